"""One table, written in every format that can be read, and with every layout of its bytes."""

import bz2
import gzip
import io
import lzma

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet


def arrow_table(rows, **stored):
    """Return rows (symbol, day, x or None, n) as an Arrow table; ``stored`` replaces its types."""
    types = {"s": pa.string(), "d": pa.timestamp("ns"), "x": pa.float64(), "n": pa.int64()} | stored
    symbols, days, x, n = zip(*rows, strict=True)
    arrays = {
        "s": pa.array(symbols, pa.string()),
        "d": pa.array([np.datetime64(day, "ns") for day in days], pa.timestamp("ns")),
        "x": pa.array(x, pa.float64(), from_pandas=True),
        "n": pa.array(n, pa.int64()),
    }
    arrays["d"] = arrays["d"] if types["d"] != pa.string() else pa.array(days)
    return pa.table({name: arrays[name].cast(kind) for name, kind in types.items()})


def csv_bytes(rows):
    written = ("" if x is None or x != x else repr(x) for _, _, x, _ in rows)
    lines = [f"{s},{d},{x},{n}\n" for (s, d, _, n), x in zip(rows, written, strict=True)]
    return ("s,d,x,n\n" + "".join(lines)).encode()


def parquet_bytes(table, **options):
    out = io.BytesIO()
    pa.parquet.write_table(table, out, **options)
    return out.getvalue()


def feather_bytes(table, **options):
    out = io.BytesIO()
    pa.feather.write_feather(table, out, **options)
    return out.getvalue()


PACKED = {
    "csv": [
        csv_bytes,
        *(
            lambda rows, p=p: p(csv_bytes(rows))
            for p in (gzip.compress, bz2.compress, lzma.compress)
        ),
    ],
    "parquet": [
        lambda rows: parquet_bytes(arrow_table(rows)),
        lambda rows: parquet_bytes(arrow_table(rows), row_group_size=2, compression="gzip"),
        lambda rows: parquet_bytes(
            arrow_table(rows, s=pa.dictionary(pa.int32(), pa.string()), d=pa.date32()),
            use_dictionary=False,
            data_page_version="2.0",
        ),
        lambda rows: parquet_bytes(arrow_table(rows, d=pa.string(), s=pa.large_string())),
    ],
    "feather": [
        lambda rows: feather_bytes(arrow_table(rows)),
        lambda rows: feather_bytes(
            arrow_table(rows, s=pa.dictionary(pa.int8(), pa.string()), d=pa.timestamp("s", "UTC")),
            compression="zstd",
            chunksize=2,
        ),
    ],
}
"""Format → ways to write rows in it."""

"""What a terminal is given of texts that others chose."""

from repro.cli import output


def test_a_name_in_an_error_or_a_warning_cannot_steer_the_terminal(capsys):
    output.error("no run is called '\x1b]0;x\x07'\n  a line more", "there are: \x1b[31ma, b\r")
    output.warn("\x1b[2J and\nthat")
    found = capsys.readouterr().err
    assert found.splitlines() == [
        "repro: error: no run is called '\\x1b]0;x\\x07'",
        "  a line more",
        "repro: hint: there are: \\x1b[31ma, b\\x0d",
        "repro: warning: \\x1b[2J and\\x0athat",
    ]

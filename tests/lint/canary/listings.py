import glob
import os
from glob import glob as match
from os import listdir
from pathlib import Path

os.listdir(".")  # expect: unsorted-listing
listdir(".")  # expect: unsorted-listing
glob.glob("*")  # expect: unsorted-listing
glob.iglob("*")  # expect: unsorted-listing
match("*")  # expect: unsorted-listing
for path in Path().iterdir():  # expect: unsorted-listing
    pass
for path in Path().glob("*.py"):  # expect: unsorted-listing
    pass
[path.name for path in Path().rglob("*")]  # expect: unsorted-listing
list(Path().iterdir())  # expect: unsorted-listing
with os.scandir(".") as entries:  # expect: unsorted-listing
    for entry in entries:
        pass
names = os.listdir(".")  # expect: unsorted-listing

sorted(os.listdir("."))
sorted(path.name for path in Path().iterdir() if path.is_file())
sorted(list(Path().rglob("*")))
len(os.listdir("."))
any(Path().iterdir())
{path.name for path in Path().iterdir()}
"a" in os.listdir(".")
if not os.listdir("."):
    pass
assert os.listdir(".") == []
(only,) = Path().glob("*.txt")
with os.scandir(".") as scanned:
    ordered = sorted(scanned, key=str)
matcher.glob()


def sorted_later():
    files = os.listdir(".")
    files.sort()
    paths = [path for path in Path().iterdir() if path]
    return files, sorted(paths)

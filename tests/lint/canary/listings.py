import ast
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


def walked(top):
    for step in os.walk(top):  # expect: unsorted-listing
        print(step)
    for root, dirs, files in os.walk(top):  # expect: unsorted-listing
        print(root, dirs, files)
    for root, _, names in os.walk(top):  # expect: unsorted-listing
        print(sorted(names))
    return [root for root, _, _ in os.fwalk(top)]  # expect: unsorted-listing


def walked_half(top):
    for root, dirs, files in os.walk(top):  # expect: unsorted-listing
        dirs.sort()
        print(root, files)


def walked_in_steps(top):
    for root, _, files in sorted(os.walk(top)):  # expect: unsorted-listing
        print(root, files)


def walked_by_path(path):
    for root, dirs, files in path.walk():  # expect: unsorted-listing
        print(root, dirs, files)


def walked_in_order(top):
    for root, dirs, files in os.walk(top):
        dirs.sort()
        print(root, sorted(files))
    for root, folders, names in Path(top).walk():
        folders[:] = sorted(folder for folder in folders if folder != ".git")
        for name in sorted(name for name in names if name):
            print(root, name)
    for root, dirs, files in os.walk(top):
        dirs[:] = sorted(dirs)
        print(root, sorted([*dirs, *files]), sorted(dirs + files))


def walked_for_folders(top):
    for root, dirs, _ in os.walk(top):
        dirs.sort()
        print(root)
    for root, _, _files in sorted(os.walk(top)):
        print(root)
    return sorted(name for _, _, names in os.walk(top) for name in names)


def no_directory(tree, message):
    for node in ast.walk(tree):
        print(node)
    for part in message.walk():
        print(part)
    return any(names for _, _, names in os.walk(tree))

names = ["a", "b"]
for name in {"a", "b"}:  # expect: set-order
    pass
for name in set(names):  # expect: set-order
    pass
for name in {n for n in names}:  # expect: set-order
    pass
for number in {1, 2, 3}:
    pass
for name in set(names) | set(names):  # expect: set-order
    pass
for name in names.keys() - {"a"}:  # expect: set-order
    pass
for name in set(names).union(names):  # expect: set-order
    pass
list(set(names))  # expect: set-order
tuple(frozenset(names))  # expect: set-order
",".join({str(n) for n in names})  # expect: set-order
[n for n in set(names)]  # expect: set-order
{n: 1 for n in set(names)}  # expect: set-order
(n for n in set(names))  # expect: set-order
enumerate(set(names))  # expect: set-order
next(iter(set(names)))  # expect: set-order
[*set(names)]  # expect: set-order
print(*set(names))  # expect: set-order
map(str, set(names))  # expect: set-order
sum({float(n) for n in names})  # expect: set-order
sum(float(n) for n in set(names))  # expect: set-order
dict.fromkeys(set(names))  # expect: set-order

sorted(set(names))
sorted(list(set(names)), key=len)
sorted(n for n in set(names))
sorted([*set(names)])
len({"a", "b"})
min(set(names)), max(set(names))
any(n for n in set(names))
all(map(str, set(names)))
set(list(set(names)))
{n for n in set(names)}
sum(1 for n in set(names))
sum(len(n) for n in set(names))
"a" in set(names)
set(names) <= set(names)
for name in sorted(set(names)):
    pass
for name in names:
    pass


def by_name(names):
    unique = set(names)
    for name in unique:  # expect: set-order
        pass
    for name in sorted(unique):
        pass
    either = set(names)
    either = sorted(either)
    for name in either:
        pass
    yield from frozenset(names)  # expect: set-order


def hidden(set, names):
    for name in set(names):
        pass


def of_loops(names):
    one = set(names)
    for one in names:
        pass
    return [n for n in one]

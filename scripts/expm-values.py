#!/usr/bin/env python3
"""Matrix exponentials at 50 digits for test/linalg/expm.test.ts; entries are multiples of 2^-6, so exact in both worlds.

Run: /usr/bin/python3 scripts/expm-values.py > test/data/expm.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 60
random.seed(7)


def draw(n, bound):
    return [[random.randint(-64 * bound, 64 * bound) / 64.0 for _ in range(n)] for _ in range(n)]


def entry(kind, re, im=None):
    n = len(re)
    a = mp.matrix(n, n)
    for i in range(n):
        for j in range(n):
            a[i, j] = mp.mpc(re[i][j], im[i][j] if im else 0)
    e = mp.expm(a, method="taylor")
    return {
        "kind": kind,
        "n": n,
        "re": [x for row in re for x in row],
        "im": [x for row in im for x in row] if im else None,
        "expRe": [float(mp.re(e[i, j])) for i in range(n) for j in range(n)],
        "expIm": [float(mp.im(e[i, j])) for i in range(n) for j in range(n)],
    }


def skew(n, bound):
    re, im = draw(n, bound), draw(n, bound)
    for i in range(n):
        re[i][i] = 0.0
        for j in range(i):
            re[i][j] = -re[j][i]
            im[i][j] = im[j][i]
    return re, im


def main():
    nilpotent = [[float(3 * (j - i)) if j > i else 0.0 for j in range(5)] for i in range(5)]
    cases = [
        entry("small", [[x / 16 for x in row] for row in draw(4, 1)]),
        entry("of norm about 5", draw(6, 1)),
        entry("of norm about 50", draw(8, 10)),
        entry("complex", draw(5, 2), draw(5, 2)),
        entry("skew-Hermitian", *skew(6, 4)),
        entry("nilpotent", nilpotent),
        entry("far from normal", [[-1.0, 512.0, 0.0], [0.0, -2.0, 256.0], [0.0, 0.0, -3.0]]),
    ]
    print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")


main()

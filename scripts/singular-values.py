#!/usr/bin/env python3
"""Singular values at 50 digits of the matrices that test/linalg/singular-values.test.ts uses.

Matrices are given by exact binary numbers (integers times powers of two), which the table repeats as JavaScript
doubles, so that both sides see the same matrix. Run: /usr/bin/python3 scripts/singular-values.py > test/data/singular-values.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 60
random.seed(20240601)


def integers(m, n, bound=1000):
    return [[random.randint(-bound, bound) for _ in range(n)] for _ in range(m)]


def scaled_columns(m, n, exponents):
    a = integers(m, n)
    return [[float(a[i][j]) * 2.0 ** exponents[j] for j in range(n)] for i in range(m)]


def hilbert(n):
    return [[1.0 / (i + j + 1) for j in range(n)] for i in range(n)]


def kahan(n, c=0.25):
    s = (1 - c * c) ** 0.5
    return [[0.0 if j < i else (s**i if i == j else -c * s**i) for j in range(n)] for i in range(n)]


def values(re, im):
    m, n = len(re), len(re[0])
    a = mp.matrix(m, n)
    for i in range(m):
        for j in range(n):
            a[i, j] = mp.mpc(mp.mpf(re[i][j]), mp.mpf(im[i][j]) if im else 0)
    s = mp.svd_c(a, compute_uv=False)
    return sorted((x for x in s), reverse=True)


def entry(kind, re, im=None, graded=False):
    s = values(re, im)
    return {
        "kind": kind,
        "graded": graded,
        "shape": [len(re), len(re[0])],
        "re": [x for row in re for x in row],
        "im": [x for row in im for x in row] if im else None,
        "values": [mp.nstr(x, 25) for x in s],
        "digits": [float(x) for x in s],
    }


def main():
    down = [-7 * j for j in range(8)]
    up = [-49 + 7 * j for j in range(8)]
    mixed = [0, -40, -3, -52, -20, -31, -8, -47]
    cases = [
        entry("integers", [[float(x) for x in row] for row in integers(10, 6)]),
        entry("integers, complex", [[float(x) for x in r] for r in integers(9, 7)], [[float(x) for x in r] for r in integers(9, 7)]),
        entry("wide integers", [[float(x) for x in row] for row in integers(5, 11)]),
        entry("Hilbert", hilbert(10)),
        entry("Kahan", kahan(16)),
        entry("graded columns, falling", scaled_columns(12, 8, down), graded=True),
        entry("graded columns, rising", scaled_columns(12, 8, up), graded=True),
        entry("graded columns, mixed", scaled_columns(8, 8, mixed), graded=True),
        entry("graded columns, complex", scaled_columns(10, 8, down), scaled_columns(10, 8, down), graded=True),
        entry("rank one less", [[float((i + 1) * (j + 1) % 7 - 3) for j in range(7)] for i in range(7)]),
    ]
    print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")


main()

"""How the time to derive and generate grows with the number of equations.

    python benchmarks/growth.py [10 100 1000]

Chains of n equations, each reading the one before and a shared parameter.  Times are ratios to the time
of importing SymPy in a fresh process, so that machines can be compared; the last column is the time for
one equation relative to that of the shortest chain: 1 everywhere is linear growth.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from symbp import pipeline
from symbp.derive.engine import adjoint_system

T = TypeVar("T")


def chain(length: int) -> str:
    """A model of ``length`` entangled elementwise equations and a cost."""
    lines = ["input x : D", "const y : D", "param w : D"]
    before = "x"
    for n in range(length):
        body = f"tanh(w[d]*{before}[d])" if n % 2 else f"{before}[d]*w[d] + {before}[d]"
        lines.append(f"v{n}[d] = {body}")
        before = f"v{n}"
    return "\n".join([*lines, f"cost C = sum(({before}[d] - y[d])^2, d)"])


def timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def unit() -> float:
    """Seconds that a fresh process takes to import SymPy, the best of three."""
    command = [sys.executable, "-c", "import sympy"]
    return min(timed(lambda: subprocess.run(command, check=True))[0] for _ in range(3))


def main(lengths: list[int]) -> None:
    scale, first = unit(), 0.0
    print(f"import sympy: {scale:.2f} s; times below in units of it")
    print(f"{'equations':>9} {'build':>8} {'derive':>8} {'generate':>8} {'per equation':>13}")
    pipeline.module_text(adjoint_system(pipeline.parse(chain(2))))  # imports are not counted
    for length in lengths:
        text = chain(length)
        built, model = timed(lambda text=text: pipeline.parse(text))  # type: ignore[misc]
        derived, system = timed(lambda model=model: adjoint_system(model))  # type: ignore[misc]
        generated, _ = timed(lambda system=system: pipeline.module_text(system))  # type: ignore[misc]
        each = (built + derived + generated) / length
        first = first or each
        row = [t / scale for t in (built, derived, generated)]
        print(f"{length:9d} {row[0]:8.2f} {row[1]:8.2f} {row[2]:8.2f} {each / first:13.2f}")


if __name__ == "__main__":
    main([int(a) for a in sys.argv[1:]] or [10, 30, 100, 1000])

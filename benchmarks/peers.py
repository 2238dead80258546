"""Generated modules beside NumPy by hand, autograd, JAX and PyTorch: cost and all gradients of one batch.

``symbp`` is the plain form, ``workspace`` the one that computes in arrays that stay, ``numba`` the target of
compiled loops (with ``--numba``: it is for small problems alone).

    python benchmarks/peers.py [PROBLEM …] [--dtype float32] [--rounds N] [--without torch] [--numba]
        [--plot FILE]

Everything runs in one process, in turns, with two BLAS threads (THREADS in the environment).  All have to
agree before anything is timed.  Times are medians; the spread is the distance of the quartiles over the
median; ``floor`` is the bare matrix products.  Peers that are not installed are left out
(``pip install "symbp[bench]"``).
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = os.environ.get("THREADS", "2")

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hand import HAND
from hand_further import FURTHER
from peers_ad import peers
from problems import PROBLEMS, Problem
from problems_further import FURTHER_PROBLEMS

import symbp

OURS, SCALES = ("symbp", "workspace", "numba"), {"float32": 5e-4, "float64": 1e-9}
Run = Callable[[], tuple[Any, list[Any]]]


def contestants(problem: Problem, dtype: str, without: list[str], numba: bool) -> dict[str, Run]:
    """Everything that computes the same thing, and the floor; ``numba``: compiled loops too."""
    given, params = problem.draw(np.random.default_rng(0), np.dtype(dtype))
    text = "\n" in problem.model
    model = symbp.parse(problem.model, problem.name) if text else symbp.load(problem.model)
    module = model.compile()

    def ours() -> tuple[Any, list[Any]]:
        cost, grads = module.value_and_grad(**given, **params)
        return cost, _flat(grads)

    workspace = module.make_workspace(**given, **params)

    def into() -> tuple[Any, list[Any]]:
        cost, grads = module.value_and_grad(**given, **params, out=workspace)
        return cost, _flat(grads)

    out: dict[str, Run] = {"symbp": ours, "workspace": into}
    if numba:
        loops = model.compile(target="numba")

        def compiled() -> tuple[Any, list[Any]]:
            cost, grads = loops.value_and_grad(**given, **params)
            return cost, _flat(grads)

        out["numba"] = compiled
    out |= {name: make(**given, **params) for name, make in (HAND | FURTHER)[problem.kind].items()}
    return out | dict(peers(problem, given, params, without))


def _flat(grads: Any) -> list[Any]:
    return [m for g in grads for m in (g if isinstance(g, list) else [g])]


def check(runs: dict[str, Run], dtype: str) -> None:
    """All gradients within rounding of those of plain NumPy.

    Raises:
        SystemExit: naming who disagrees.
    """
    cost, grads = runs["plain"]()
    for name, run in runs.items():
        if name == "floor":
            continue
        other, found = run()
        pairs = [(cost, other), *zip(grads, found, strict=True)]
        for mine, its in pairs:
            a, b = np.asarray(mine, float), np.asarray(its.detach() if hasattr(its, "detach") else its, float)
            if a.shape != b.shape or not np.abs(a - b).max() <= SCALES[dtype] * (np.abs(a).max() + 1e-3):
                raise SystemExit(f"{name} disagrees with plain NumPy: nothing was timed")


def timed(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds a call, in turns; each turn repeats short calls to about 5 ms."""
    repeats = {}
    for name, run in runs.items():
        run()
        start = time.perf_counter()
        run()
        repeats[name] = max(1, min(2000, int(0.005 / (time.perf_counter() - start))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.perf_counter() - start) / repeats[name])
    return times


def report(problem: Problem, dtype: str, times: dict[str, list[float]]) -> dict[str, float]:
    """Print one table; return the medians."""
    median = {name: statistics.median(t) for name, t in times.items()}
    others = [n for n in median if n not in (*OURS, "floor")]
    fastest = min(others, key=lambda n: median[n])
    print(f"\n{problem.name} {dtype}: fastest peer {fastest}")
    for name, value in sorted(median.items(), key=lambda item: item[1]):
        low, _, high = statistics.quantiles(times[name], n=4)
        floor = f"{value / median['floor']:8.2f} floor" if "floor" in median else ""
        ratios = f"{floor} {value / median[fastest]:8.2f} fastest peer"
        print(f"  {name:15}{value * 1e6:12.1f} µs  ±{50 * (high - low) / value:3.0f} %{ratios}", flush=True)
    return median


def summary(results: dict[str, dict[str, float]]) -> str:
    """A line for each problem and form in Markdown: ours over the floor and over each other."""
    names = list(dict.fromkeys(n for m in results.values() for n in m if n not in OURS))
    head = f"| problem | form | µs | {' | '.join(f'/ {n}' for n in names)} |"
    rows = [head, "|---" * (len(names) + 3) + "|"]
    for title, median in results.items():
        for form in (f for f in OURS if f in median):
            cells = [f"{median[form] / median[n]:.2f}" if n in median else "" for n in names]
            rows.append(f"| {title} | {form} | {median[form] * 1e6:.0f} | {' | '.join(cells)} |")
    return "\n".join(rows)


def plot(results: dict[str, dict[str, float]], path: Path) -> None:
    """Medians over the floor, as a figure (matplotlib)."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(n for m in results.values() for n in m if n != "floor"))
    figure, axes = plt.subplots(figsize=(9, 0.4 * len(results) + 2))
    for name in names:
        at = [(m[name] / m.get("floor", m["plain"]), k) for k, m in enumerate(results.values()) if name in m]
        axes.plot(*zip(*at, strict=True), "D" if name in OURS else "o", label=name, alpha=0.8)
    axes.set_yticks(range(len(results)), list(results))
    axes.set(xscale="log", xlabel="time over that of the floor, or of plain NumPy where there is none")
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM")
    parser.add_argument("--dtype", choices=("float32", "float64", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--without", action="append", default=[], choices=("autograd", "jax", "torch"))
    parser.add_argument("--numba", action="store_true")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    chosen = [p for p in (*PROBLEMS, *FURTHER_PROBLEMS) if not options.problems or p.name in options.problems]
    dtypes = ("float32", "float64") if options.dtype == "both" else (options.dtype,)
    results: dict[str, dict[str, float]] = {}
    for problem in chosen:
        for dtype in dtypes:
            runs = contestants(problem, dtype, options.without, options.numba)
            check(runs, dtype)
            results[f"{problem.name} {dtype}"] = report(problem, dtype, timed(runs, options.rounds))
    print(f"\n{summary(results)}")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()

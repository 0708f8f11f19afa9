"""One table: every system on every dataset, in one run.

    python -m bench.nlu [--few] [--clinc150 FILE] [--with-oos FOLDER] [--banking77 FOLDER] [--hint3 FOLDER]

Writes results/bench-nlu/table.md and reliability.png as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click

from bench.nlu import data
from bench.nlu.data import Dataset
from bench.nlu.figures import ACCEPTED, Figures, figures
from bench.nlu.systems import SYSTEMS, Asked, System

RESULTS = Path("results/bench-nlu")
HEAD = (
    "data", "system", "accuracy", "macro-F1", "AUROC near", "AUROC far", "rejected near", "rejected far",
    "calibration error", "ms a message", "training s", "MB",
)  # fmt: skip

PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.option("--clinc150", type=PATH, help="data_full.json of clinc/oos-eval.")
@click.option("--seeds", default=5, help="Domains that are cut out of CLINC150.")
@click.option("--with-oos", type=PATH, multiple=True, help="BANKING77-OOS or alike.")
@click.option("--banking77", type=PATH, help="Folder with train.csv and test.csv.")
@click.option("--hint3", type=PATH, help="dataset/v2 of HINT3.")
@click.option("--few", is_flag=True, help="Of our own data only few examples of each intent.")
@click.option("--system", "only", multiple=True, help="Part of a system's name; all by default.")
def main(
    clinc150: Path | None,
    seeds: int,
    with_oos: tuple[Path, ...],
    banking77: Path | None,
    hint3: Path | None,
    few: bool,
    only: tuple[str, ...],
) -> None:
    """Our understanding beside the systems that people would otherwise use."""
    datasets = [data.own_few()] if few else [data.own_few(), data.own()]
    datasets += [data.clinc150(clinc150, seed) for seed in range(seeds) if clinc150]
    datasets += [data.with_oos(folder) for folder in with_oos]
    datasets += [data.banking77(banking77)] if banking77 else []
    datasets += [
        data.hint3(hint3, bot) for bot in ("curekart", "powerplay11", "sofmattress") if hint3
    ]
    systems = [s for s in SYSTEMS if not only or any(part in s.name for part in only)]
    rows: list[tuple[str, ...]] = [HEAD, ("---",) * len(HEAD)]
    found: dict[str, Figures] = {}
    for row in rows:
        click.echo(_line(row))
    for dataset in datasets:
        for system in systems:
            for of, measured, asked in _measure(system, dataset):
                rows.append(_row(of, system.name, measured, asked))
                found.setdefault(f"{system.name}, {of.name}", measured)
                click.echo(_line(rows[-1]))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "table.md").write_text("\n".join(map(_line, rows)) + "\n", encoding="utf-8")
    draw({name: f for name, f in found.items() if name.endswith(datasets[0].name)})
    click.echo(
        f"\nRejected: where {ACCEPTED:.0%} of what is in scope is accepted. Also in {RESULTS}/."
    )


def _measure(system: System, dataset: Dataset) -> Iterator[tuple[Dataset, Figures, Asked]]:
    """A system on a dataset, as it is and with typos; trained once."""
    typos = dataset.with_typos
    both = Dataset(dataset.name, dataset.train, dataset.test + typos.test, dataset.is_ours)
    asked = system.ask(both)
    for start, of in ((0, dataset), (len(dataset.test), typos)):
        part = slice(start, start + len(dataset.test))
        yield of, figures(of, asked.rankings[part]), asked


def _row(of: Dataset, system: str, measured: Figures, asked: Asked) -> tuple[str, ...]:
    return (
        of.name,
        system,
        *(
            f"{100 * share:.1f}"
            for share in (
                measured.accuracy, measured.macro_f1, measured.near_auroc, measured.far_auroc,
                measured.near_rejected, measured.far_rejected, measured.calibration_error,
            )
        ),
        f"{median(asked.milliseconds):.1f}",
        f"{asked.training_seconds:.0f}",
        f"{asked.megabytes:.0f}",
    )  # fmt: skip


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(found: dict[str, Figures]) -> None:
    """How often an answer is right, by how sure the system is."""
    import matplotlib  # noqa: PLC0415  not needed to print the table's help

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(7, 6))
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="as sure as right")
    for name, measured in found.items():
        axes.plot(*zip(*measured.reliability, strict=True), marker="o", label=name)
    axes.set_xlabel("score")
    axes.set_ylabel("share that is right")
    axes.legend()
    figure.tight_layout()
    figure.savefig(RESULTS / "reliability.png", dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()

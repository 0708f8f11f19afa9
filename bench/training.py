"""Training with nothing cached, beside stock Rasa's: `make bench-training`.

python -m bench.training [--without-stock]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from bench import stock


@click.command()
@click.option("--without-stock", is_flag=True, help="It takes long, once.")
def main(without_stock: bool) -> None:
    """Seconds of a training, by the clock and of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        ours = stock.train(["--data", "data", "--config", "config.yml"], Path(folder))
    click.echo(f"ours: {ours['seconds']:.0f} s, {ours['cpu_seconds']:.0f} s of the processor")
    if not without_stock:
        theirs = stock.trained()
        click.echo(
            f"stock, {stock.EPOCHS} epochs: {theirs.seconds:.0f} s, {theirs.cpu_seconds:.0f} s of the "
            f"processor, when it was trained; ours takes {ours['cpu_seconds'] / theirs.cpu_seconds:.2f} of it"
        )
        for name, seconds in zip(("DIET", "TED"), theirs.epochs, strict=True):
            each = ", ".join(f"{took:.0f}" for took in seconds)
            click.echo(f"  {name}: {each} s for its first, second, ... epoch, by the clock")


if __name__ == "__main__":
    main()

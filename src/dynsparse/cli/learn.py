"""``dynsparse learn``: whether world models that are trained on a data set recover its sparsity."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dynsparse.config import check_count

__all__ = ["EXAMPLES", "Learn", "losses_of"]

EXAMPLES = """\
examples:
  dynsparse collect CheetahRun --policy paper --rows 20000 --out data/cheetah
  dynsparse learn data/cheetah --out out/cheetah --seeds 3 --epochs 30
  dynsparse learn data/cheetah --out out/two --losses state,state-jacobian-l1 --seeds 5
  dynsparse learn data/cheetah --out out/cheetah --executor ray --address head:6379

OUT holds learning.html, tables (learning_*.csv and .md), figures and units: a record and a network of each training.
Stopped (Ctrl-C) and run again, the same command goes on where it was; more --losses or --seeds may be asked for later.
"""


@dataclass(frozen=True)
class Learn:
    """Train the paper's five variants of a world model over many seeds, and judge their Jacobians (Q4).

    The defaults are the paper's (Table A2.1): 2 hidden layers of 512 units, 100 epochs, 15 seeds.  Every model is
    tested twice: on single steps of the episodes that it was trained on (the paper's split), and on whole episodes.
    """

    dataset: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """Folder of the data set."""

    out: Path
    """Folder for the results: a new one, or one of the same settings."""

    losses: str = "all"
    """Losses, separated by commas: state, state-jacobian (+ mean squared error of the Jacobian), state-jacobian-l1 (+
    mean absolute error), state-jacobian-l1-regularizer (+ mean |predicted Jacobian|), state-jacobian-l1-sparse-only (+
    the same where the true one is zero)."""

    seeds: int = 15
    """How many seeds; each draws its own network, split, order and dropout."""

    seed: int = 1
    """The first of them; the others follow."""

    epochs: int = 100
    """How often every training row is used."""

    split: Literal["both", "step", "episode"] = "both"
    """Test sets: step (the paper), episode, or both of the same model."""

    test_split: float = 0.1
    """Share of the rows, of the episodes, or of each, that is kept for testing."""

    jacobian_weight: float = 1.0
    """What the second term of a loss is multiplied by."""

    jacobian_directions: int = 0
    """Random directions of each row in place of its Jacobian, for the loss state-jacobian alone; 0 for the whole."""

    factor: Literal["derived", "printed"] = "derived"
    """How Jacobians are normalised: as follows from the normalised mapping, or as the paper prints it (inverted)."""

    layer_width: int = 512
    """Units of a hidden layer."""

    layer_depth: int = 2
    """Hidden layers."""

    activation: Literal["elu", "leaky-relu", "relu"] = "elu"
    """After each hidden layer."""

    dropout_rate: float = 0.1
    """Share of hidden units left out in training."""

    learning_rate: float = 2e-3
    """Of AdamW."""

    weight_decay: float = 1e-3
    """Of AdamW."""

    batch_size: int = 512
    """Rows of a gradient step."""

    atol: float = 1e-12
    """An element of the simulator's Jacobian is zero when abs(x) < atol."""

    model_atol: float = 1e-6
    """The same for a model's normalised Jacobian."""

    executor: Literal["local", "ray"] = "local"
    """Where trainings run: processes on this machine, or a Ray cluster (pip install "dynsparse[ray]")."""

    workers: int = 0
    """Processes on this machine; 0 for one on each usable core."""

    address: str | None = None
    """HOST:PORT of the Ray cluster; left out: RAY_ADDRESS, or the one on this machine."""

    def run(self) -> int:
        """Train what is not there yet, then write and print the answers.

        Returns:
            The exit code: 1 where a training failed.
        """
        from dynsparse.learning.settings import LearnSettings

        check_count("seeds", self.seeds, 1, "the paper has 15")
        check_count("seed", self.seed, 0, "try 1")
        settings = LearnSettings(
            jacobian_weight=self.jacobian_weight,
            layer_width=self.layer_width,
            layer_depth=self.layer_depth,
            activation=self.activation,
            dropout_rate=self.dropout_rate,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            epochs=self.epochs,
            split=self.split,
            test_split=self.test_split,
            atol=self.atol,
            model_atol=self.model_atol,
            factor=self.factor,
        )
        losses = losses_of(self.losses)

        from dynsparse.cli.executors import make_executor
        from dynsparse.cli.learning_run import LearningPlan, run_learning
        from dynsparse.dataset import open_dataset

        executor = make_executor(self.executor, self.workers, self.address)
        environment = open_dataset(self.dataset).environment
        seeds = tuple(range(self.seed, self.seed + self.seeds))
        plan = LearningPlan({environment: self.dataset}, losses, seeds, settings, self.jacobian_directions)
        return run_learning(plan, self.out, executor, self._command())

    def _command(self) -> str:
        """Return the command as somebody else would repeat it: of folders only the names."""
        defaults = {name: field.default for name, field in type(self).__dataclass_fields__.items()}
        words = ["dynsparse", "learn", self.dataset.name, "--out", self.out.name]
        for name, default in defaults.items():
            value = getattr(self, name)
            if name not in ("dataset", "out", "executor", "workers", "address") and value != default:
                words += [f"--{name.replace('_', '-')}", str(value)]
        return shlex.join(words)


def losses_of(asked: str) -> tuple[str, ...]:
    """Return the losses that were asked for, in the paper's order; all five for ``"all"``.

    Raises:
        SettingError: If there is no such loss; names the nearest ones.
    """
    from dynsparse.learning.losses import LOSSES, check_loss

    if asked == "all":
        return LOSSES
    names = [check_loss(name) for name in asked.replace(",", " ").split() or [asked]]
    return tuple(loss for loss in LOSSES if loss in names)

"""What stands around the docstrings: order, headings, and where to read on."""

from __future__ import annotations

from reference_parts.python_page import Chapter

__all__ = ["CHAPTERS", "COMMAND_HEAD", "ERRORS_FOOT", "ERRORS_HEAD", "MORE_ON_VERBS", "PYTHON_HEAD"]

_MADE = "<!-- Made of docstrings by `python docs/generate_reference.py`: change those, and run it. -->"

PYTHON_HEAD = f"""\
# Python interface

{_MADE}

`import dynsparse` is instant and imports neither JAX nor MuJoCo; names are resolved when first used. Names without a
module are names of `dynsparse`. Arrays are NumPy, float64, rows first. Axes: `n` rows, `ds` numbers of a state, `da` of
an action, `nv` velocities, `nc` named constraints; tangent_dim, in shapes also `dt`, is the
length of [a tangent](../explanation/coordinates.md), which is ds unless joints have quaternions. Words are those of the
[vocabulary](vocabulary.md).
"""

COMMAND_HEAD = f"""\
# Command line

{_MADE}

`dynsparse VERB [options]`. `dynsparse --help` lists the verbs, `dynsparse VERB --help` a verb's options with examples,
`dynsparse --version` the version. Results go to standard output, progress and errors to standard error: bars on a
terminal, plain lines elsewhere (one a change of phase, and one every five seconds). Every verb takes `--debug`, which
adds the traceback to an error's one line. An option without a default must be given.
"""

ERRORS_HEAD = f"""\
# Errors

{_MADE}

Everything that dynsparse raises by itself is a `DynsparseError`, and all these classes are names of `dynsparse`: catch
that one to catch all. A message says what was expected, what arrived and what to try next; in a batch it names the row.
The command line prints it in one line and exits with the code below; `--debug` adds the traceback.
"""

ERRORS_FOOT = """\
Other exit codes of the command line: 0 when it did what it was asked to, 130 after Ctrl-C.

A row whose result holds a NaN is no error: it is marked in `finite` and counted.
"""

MORE_ON_VERBS = {
    "envs": "Their policies are [a page of their own](../explanation/experts.md).",
    "audit": "[How to run and read it](../how-to/audit.md), and [of a data set](../how-to/verify-a-data-set.md).",
    "collect": "[How to collect](../how-to/collect-a-data-set.md), "
    "[own environments](../how-to/use-your-own-environment.md), [own policies](../how-to/bring-your-own-policy.md), "
    "[coverage](../how-to/coverage-states.md), and "
    "[what a data set holds](dataset.md).",
    "verify": "[How to verify and audit](../how-to/verify-a-data-set.md).",
    "analyze": "[What each number means](../explanation/sparsity-over-states-and-time.md).",
    "causes": "[What each cause means](../explanation/zero-causes.md).",
    "score": "[What the file holds and what each score means](../how-to/score-a-model.md).",
    "report": "[How to read it](../how-to/read-the-report.md).",
    "learn": "[How to](../how-to/train-world-models.md), and "
    "[what the numbers mean](../explanation/learned-sparsity.md).",
    "search": "[What is ranked and chosen](../how-to/search-hyperparameters.md), "
    "and where the paper contradicts itself.",
    "train-expert": "[How to train one](../how-to/train-an-expert.md).",
    "render": "[How to look at a policy](../how-to/train-an-expert.md#look-at-it).",
    "explore": "[How to look around](../how-to/explore.md).",
    "bench": "[Where the speed comes from](../explanation/speed.md).",
    "reproduce": "[How to reproduce the paper](../how-to/reproduce-the-paper.md).",
}

CHAPTERS = (
    Chapter(
        "Environments",
        "[Use your own environment](../how-to/use-your-own-environment.md) has examples of each kind.",
        (
            "ENVIRONMENT_NAMES",
            "load_environment",
            "Environment",
            "environment_from_function",
            "register_environment",
            "StateSpace",
        ),
    ),
    Chapter(
        "Steps and Jacobians",
        "[What `exact` means](../explanation/exact-derivative.md); "
        "[many rows on all cores](../how-to/linearize-many-rows.md).",
        ("step", "Transition", "linearize", "linearize_batch", "Linearization", "close_workers"),
    ),
    Chapter(
        "Inside your own JAX program",
        "[Optimise a trajectory](../how-to/optimise-a-trajectory.md) uses it.",
        ("transition",),
    ),
    Chapter("Patterns", "", ("SparsityPattern",)),
    Chapter(
        "Data sets",
        "[Fields, description, files](dataset.md). Reading needs neither JAX nor MuJoCo.",
        (
            "open_dataset",
            "Dataset",
            "dataset.reader:Block",
            "dataset:verify_dataset",
            "rollout.collect:collect",
            "rollout.settings:CollectSettings",
        ),
    ),
    Chapter(
        "Analysis",
        "[What the numbers mean](../explanation/sparsity-over-states-and-time.md).",
        (
            "analyze",
            "SparsityReport",
            "analysis.global_sparsity:GlobalSparsity",
            "analysis.global_sparsity:BlockSparsity",
            "analysis.global_sparsity:ThresholdPoint",
            "analysis.local_sparsity:LocalSparsity",
            "analysis.local_sparsity:LocalBlock",
            "analysis.temporal_sparsity:TemporalSparsity",
            "analysis.durations:Durations",
            "analysis:ArrayRows",
        ),
    ),
    Chapter(
        "Why elements are zero",
        "[Each cause, and how it is found](../explanation/zero-causes.md).",
        ("explain_zeros", "ZeroCauses", "analysis:record_causes", "analysis:CauseRecord"),
    ),
    Chapter(
        "Scores",
        "[What each score means](../how-to/score-a-model.md).",
        (
            "score",
            "Score",
            "learning.jacobian_scores:JacobianScores",
            "learning.prediction_scores:PredictionScores",
            "learning.prediction_scores:OpenLoopError",
            "learning.model:Model",
            "learning.model_file:load_model",
            "learning.stored_model:load_world_model",
        ),
    ),
    Chapter(
        "Statistics",
        "[Which interval, and why](../explanation/statistics.md).",
        (
            "report.episode_statistics:EpisodeMean",
            "report.episode_statistics:mean_over_episodes",
            "report.episode_statistics:paired_difference",
            "report.episode_statistics:difference",
            "report.seed_statistics:Estimate",
            "report.seed_statistics:bootstrap_estimate",
            "report.seed_statistics:interquartile_mean",
        ),
    ),
    Chapter(
        "Policies",
        "[The policy file](policy-file.md); [bring your own](../how-to/bring-your-own-policy.md). These names load JAX "
        "and MuJoCo where they have to.",
        (
            "rollout.experts:shipped_experts",
            "rollout.experts:policy_path",
            "rollout.policy_file:load_policy",
            "rollout.policy_file:save_policy",
            "rollout.collector:Collector",
            "physics.renderer:Renderer",
        ),
    ),
    Chapter("Errors", "[What each means, and its exit code](errors.md). `dynsparse.__version__` is the version.", ()),
)

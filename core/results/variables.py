"""What a run reports and what an experiment sweeps: one name, symbol and label for JSON, axes of figures and docs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """The type of a variable's values in JSON; null stands for a number that is not finite or does not exist."""

    FLOAT = "float"
    INT = "int"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One quantity. `label` is its axis text; `log_scaled` says which axis shows it best.

    `of_limit`: it describes the limit that a run converges to, so a run that has not converged does not have it and
    stays out of aggregated curves. `alias_of`: the variable whose former name it is, kept for one version.
    """

    name: str
    symbol: str
    label: str
    description: str
    kind: Kind = Kind.FLOAT
    log_scaled: bool = False
    of_limit: bool = False
    alias_of: str | None = None


def _table(variables: Iterable[Variable]) -> Mapping[str, Variable]:
    return MappingProxyType({variable.name: variable for variable in variables})


def _limit(name: str, symbol: str, label: str, description: str) -> Variable:
    """A positive quantity of the point that a run converges to."""
    return Variable(name=name, symbol=symbol, label=label, description=description, log_scaled=True, of_limit=True)


VARIABLES: Final = _table(
    (
        Variable(
            name="step_size",
            symbol="η",
            label="step size η",
            description="The step size at full height, after the warm-up and before its schedule.",
            log_scaled=True,
        ),
        Variable(
            name="init_scale",
            symbol="α",
            label="initialisation scale α",
            description="The scale of the initial parameters.",
            log_scaled=True,
        ),
        Variable(
            name="network",
            symbol="",
            label="network",
            description=(
                "What is trained: diagonal-D for β = u₊^D − u₋^D, uv for β = u₊v₊ − u₋v₋, uv_product for β = u∘v."
            ),
            kind=Kind.TEXT,
        ),
        Variable(
            name="depth", symbol="D", label="depth D", description="Layers: β = u₊^D − u₋^D; 2 for UV.", kind=Kind.INT
        ),
        Variable(
            name="outcome",
            symbol="",
            label="outcome",
            description=(
                "How the run ended: converged, diverged, oscillating, budget_exhausted, unstable_interpolator, "
                "stationary (at the least squares where nothing interpolates, at the lasso with lasting weight decay), "
                "standstill (steps below rounding) or "
                "stopped (after the steps that were asked for)."
            ),
            kind=Kind.TEXT,
        ),
        Variable(
            name="finished_by",
            symbol="",
            label="finished by",
            description=(
                "How the end was reached: by iteration, or by completion or strides, which give the limit of the run "
                "as its end, found from its last iterate or from far ahead of it."
            ),
            kind=Kind.TEXT,
        ),
        Variable(
            name="steps",
            symbol="t",
            label="steps t",
            description="Gradient steps taken, warm-up included.",
            kind=Kind.INT,
            log_scaled=True,
        ),
        Variable(
            name="perturbations",
            symbol="",
            label="perturbations",
            description="Relative perturbations of 1e-9 that pushed the run off an interpolator unstable at η.",
            kind=Kind.INT,
        ),
        Variable(
            name="kicks",
            symbol="",
            label="perturbations",
            description="The former name of `perturbations`; it goes with version 0.3.",
            kind=Kind.INT,
            alias_of="perturbations",
        ),
        Variable(
            name="path",
            symbol="",
            label="path",
            description=(
                "How the run came to its end: smooth (the loss fell at each of the first 64 steps and from then on "
                "from each fourth step to the next), "
                "crossed_edge (it grew somewhere: ηλ > 2 there, and rounding grows with it), perturbed, or released "
                "(held in the name of exact arithmetic). Other optimisers than gradient descent may raise the loss of "
                "themselves: null there unless the run was perturbed."
            ),
            kind=Kind.TEXT,
        ),
        Variable(
            name="held_steps",
            symbol="",
            label="steps held",
            description="Steps of size 0 on an interpolator, among `steps`: only of runs with `release` exact.",
            kind=Kind.INT,
        ),
        Variable(
            name="cycle_period",
            symbol="",
            label="period of the cycle",
            description="2 where a run oscillates between two points; null for other cycles, and where there is none.",
            kind=Kind.INT,
        ),
        Variable(
            name="cycle_amplitude",
            symbol="‖Δθ‖₂/‖θ‖₂",
            label="amplitude of the cycle ‖Δθ‖₂/‖θ‖₂",
            description="The relative size of the last step of a run that oscillates.",
            log_scaled=True,
        ),
        Variable(
            name="iterate_train_loss",
            symbol="L(t)",
            label="training loss of the last iterate",
            description="That of the last iterate, which a completed run did not end at.",
            log_scaled=True,
        ),
        Variable(
            name="iterate_excess_risk",
            symbol="R(t)",
            label="excess risk of the last iterate",
            description="That of the last iterate, which a completed run did not end at.",
            log_scaled=True,
        ),
        Variable(
            name="completion_error_estimate",
            symbol="‖Δβ‖₂/‖β‖₂",
            label="estimated error of the completed limit",
            description=(
                "Relative error of the predictor of a completed run, to first order, with safety factors: of the limit "
                "of exact arithmetic from the last iterate."
            ),
            log_scaled=True,
        ),
        Variable(
            name="completion_error_bound",
            symbol="‖Δβ‖₂/‖β‖₂",
            label="proven error of the completed limit",
            description=(
                "A proven bound of the same error, of the limit of exact arithmetic from the last iterate: float64 may "
                "go on elsewhere. Null where a hypothesis of the proof does not hold yet, and where the limit was "
                "found by strides over many steps (`finished_by`)."
            ),
            log_scaled=True,
        ),
        Variable(
            name="limit_error",
            symbol="‖Δβ‖₂/‖β‖₂",
            label="error of the limit ‖Δβ‖₂/‖β‖₂",
            description=(
                "How far the reported predictor may be from the limit of the run from its last iterate: an estimate to "
                "first order with safety factors, and what rounding leaves there; of every converged run, completed or "
                "not. 1 where minibatches may lead it away again; null where it would be more, which says nothing: the "
                "run stopped too early, or its limit is 0. What rounding did on the way is the `sensitivity`."
            ),
            log_scaled=True,
            of_limit=True,
        ),
        Variable(
            name="risk_error",
            symbol="|ΔR|",
            label="error of the risk |ΔR|",
            description=(
                "By how much `excess_risk` and `test_loss` may differ from those of the limit of the run; null where "
                "that would be more than the test loss of β = 0."
            ),
            log_scaled=True,
            of_limit=True,
        ),
        _limit("train_loss", "L", "training loss L", "‖Xβ − y‖²/(2N) at the end."),
        _limit(
            "excess_risk",
            "R(β)",
            "excess risk R(β) (test loss above its floor)",
            "½eᵀ(Σ + E[x]E[x]ᵀ)e with e = β − β* and the covariance Σ of x, in the paper ½(σ²‖e‖² + (μ·1ᵀe)²): "
            "the population risk above that of β*, in closed form.",
        ),
        _limit(
            "test_loss",
            "R(β) + ½σ²_noise",
            "test loss",
            "Excess risk plus half the noise variance; for user data the loss on the held-out set.",
        ),
        _limit("predictor_error", "‖β − β*‖₂", "error of the predictor ‖β − β*‖₂", "Its distance from the true one."),
        _limit("l1_norm", "‖β‖₁", "ℓ1 norm ‖β‖₁", "Σ|β_i|."),
        _limit("l2_norm", "‖β‖₂", "ℓ2 norm ‖β‖₂", "√Σβ_i²."),
        _limit(
            "sharpness", "λ_max", "sharpness λ_max", "The largest eigenvalue of the Hessian of the loss at the end."
        ),
        _limit(
            "sharpness_residual",
            "‖Hv − λv‖/λ",
            "residual of the sharpness",
            "How well the computed eigenpair solves its equation, relative to the sharpness.",
        ),
        _limit(
            "gauss_newton_sharpness",
            "λ_max(G)",
            "sharpness of the Gauss–Newton matrix",
            "The largest eigenvalue of (1/N)·X diag(c) Xᵀ at the end: the sharpness itself where Xβ = y, and what the "
            "bounds of the sharpness bound where that does not quite hold yet.",
        ),
        _limit(
            "sharpness_lower_bound",
            "Σ D²z_i(Êx_i)²",
            "stability measure",
            "The lower bound of the sharpness of Lemmas 4.1, 6.1 and C.1, which is the stability measure of eq. 8; for "
            "UV Σ z_i(Êx_i)², the squares of all four parts in z.",
        ),
        _limit(
            "sharpness_upper_bound",
            "Σ D²z_iÊ[x_i²]",
            "upper bound of the sharpness",
            "The trace of the Hessian, the upper bound of Lemmas 4.1 and 6.1.",
        ),
        _limit(
            "weighted_norm",
            "‖β∘4(Êx)²‖₁",
            "weighted norm of the predictor",
            "The weighted norm of Theorem 4.2, at most the stability measure; at depth D, D²Σ|β_i|^p(Êx_i)² with "
            "p = 2(D−1)/D; for UV 2Σ|β_i|(Êx_i)².",
        ),
        Variable(
            name="stability_threshold",
            symbol="2/η",
            label="stability threshold 2/η",
            description=(
                "The largest sharpness at which gradient descent with the step size η that the run ends with "
                "(`end_step_size`) is linearly stable; with momentum the optimiser's stability limit over η, of SAM "
                "(√(1 + 8ρ/η) − 1)/(2ρ)."
            ),
            log_scaled=True,
        ),
        Variable(
            name="mean_square_stable_step",
            symbol="η_ms",
            label="largest step size stable in the mean square",
            description=(
                "The largest η at which SGD is stable in the mean square at the run's end, for the linearised model, "
                "where that interpolates: E‖θ − θ̂‖² does not grow (Mulayoff and Michaeli 2024, theorem 1, with "
                "p = (N − B)/(B(N − 1)), or 1/B with replacement). With momentum derived here. Of minibatches that are "
                "drawn anew at every step, and proven to a relative 1e-6; else null."
            ),
            log_scaled=True,
            of_limit=True,
        ),
        _limit(
            "effective_init",
            "mean √A",
            "effective initialisation √A",
            "The initialisation scale from which gradient flow would reach the same limit, mean over coordinates "
            "(Even et al. 2023). Not with momentum or parameter noise, nor at depth 3 and more.",
        ),
        _limit(
            "certificate_residual",
            "",
            "residual of the certificate",
            "How far asinh(β/2A) − δ is from the row space of X: zero in exact arithmetic, whatever the step sizes. "
            "Not with momentum or parameter noise, nor at depth 3 and more.",
        ),
        _limit(
            "kernel_change",
            "‖K − K₀‖/‖K₀‖",
            "change of the tangent kernel",
            "How far the tangent kernel X diag(c) Xᵀ has moved from its start, relative to that (Frobenius norm): "
            "small in the kernel regime, large in the rich one.",
        ),
        Variable(
            name="smallest_parameter",
            symbol="min θ",
            label="smallest parameter",
            description="The least entry of θ at the end; negative where a parameter has crossed zero.",
            of_limit=True,
        ),
        Variable(
            name="flow_excess_risk",
            symbol="R(β_flow)",
            label="excess risk of gradient flow",
            description="The excess risk of the limit η → 0 from the same initialisation (Woodworth et al. 2020).",
            log_scaled=True,
        ),
        Variable(
            name="flow_test_loss",
            symbol="R(β_flow) + ½σ²_noise",
            label="test loss of gradient flow",
            description="The test loss of the limit η → 0 from the same initialisation.",
            log_scaled=True,
        ),
        Variable(
            name="kernel_excess_risk",
            symbol="R(β_K)",
            label="excess risk of the kernel regime",
            description=(
                "The excess risk of the limit of the network that is linearised at the start: least Σ(β − β(0))²/c "
                "with its tangent weights c, which is least ℓ2 norm from equal |u|."
            ),
            log_scaled=True,
        ),
        Variable(
            name="kernel_test_loss",
            symbol="R(β_K) + ½σ²_noise",
            label="test loss of the kernel regime",
            description="The test loss of the limit of the network that is linearised at the start.",
            log_scaled=True,
        ),
        _limit(
            "kernel_distance",
            "‖β − β_K‖₂/‖β_K‖₂",
            "distance to the kernel regime",
            "How far the end is from the limit of the network that is linearised at the start: small in the kernel "
            "regime, whatever has become of the tangent kernel.",
        ),
        Variable(
            name="min_sharpness",
            symbol="min λ_max",
            label="least sharpness min λ_max",
            description=(
                "The sharpness of the flattest interpolator of the data set; at odd depth for parameters θ ≥ 0."
            ),
            log_scaled=True,
        ),
        Variable(
            name="max_stable_step",
            symbol="η*",
            label="largest stable step size η*",
            description=(
                "2/min λ_max: above it no interpolator is stable; with momentum the optimiser's stability limit over "
                "min λ_max. At odd depth for parameters θ ≥ 0."
            ),
            log_scaled=True,
        ),
        Variable(
            name="start_stable_step",
            symbol="η_start",
            label="stable step size at the start",
            description=(
                "2/λ_max of the loss at the start of the run, up to which descent can begin without a warm-up; with "
                "momentum the optimiser's stability limit over λ_max. Null where no direction curves upwards there."
            ),
            log_scaled=True,
        ),
        Variable(
            name="least_norm_stable_step",
            symbol="η_ℓ2",
            label="stable step size at least ℓ2 norm",
            description=(
                "Likewise at the interpolator of least ℓ2 norm, at the flattest parameters θ ≥ 0 that have it; where "
                "nothing interpolates, at the least squares."
            ),
            log_scaled=True,
        ),
        Variable(
            name="flow_stable_step",
            symbol="η_flow",
            label="stable step size at the flow limit",
            description=(
                "Likewise at the limit η → 0 from the same initialisation: smaller steps can stay with gradient flow, "
                "larger ones have to end elsewhere."
            ),
            log_scaled=True,
        ),
        Variable(
            name="first_failing_step",
            symbol="",
            label="first failing step size",
            description=(
                "The smallest step size above step_size that was tried and did not converge within max_steps; "
                "step_size itself where even the lowest failed. Only of a search for the largest convergent step size."
            ),
            log_scaled=True,
        ),
        Variable(
            name="sensitivity",
            symbol="‖Δβ‖₂/‖β‖₂",
            label="sensitivity ‖Δβ‖₂/‖β‖₂",
            description=(
                "The relative distance of a twin that started a relative 1e-15 beside the run, took its sums over "
                "samples and coordinates in the opposite order, and was perturbed otherwise: at the end, however it "
                "ended, or, where the run converged and both had come to rest within a tenth of each other, of the "
                "limits of gradient flow from there. Of runs whose `path` is not smooth, null among them, unless it "
                "was asked for of all or none."
            ),
            log_scaled=True,
        ),
        Variable(
            name="twin_outcome",
            symbol="",
            label="outcome of the twin",
            description=(
                "How the twin of the sensitivity ended: where that is not how the run did, rounding decides the "
                "outcome. One that came to rest beside its run ends as that does. Null without a twin."
            ),
            kind=Kind.TEXT,
        ),
        Variable(
            name="end_step_size",
            symbol="η_end",
            label="step size at the end η_end",
            description=(
                "The step size that the schedule ends with, η itself without one. It is this by which a run is judged, "
                "and that η* and the other stable step sizes are compared with; larger steps on the way decide where "
                "the run is led to, not whether it may stay there."
            ),
            log_scaled=True,
        ),
        Variable(
            name="lasso_penalty",
            symbol="κ",
            label="penalty κ of the lasso",
            description=(
                "Weight decay λ that goes on for ever leads to a minimum of L + ½λ‖θ‖², whose predictor at depth 2 is "
                "the lasso, argmin L + κ‖β‖₁: κ = λ/2, for UV and u∘v λ; with momentum m and decoupled decay "
                "(1 − m) times that. Of such runs alone, as what follows of the lasso."
            ),
            log_scaled=True,
        ),
        Variable(
            name="lasso_excess_risk",
            symbol="R(β_κ)",
            label="excess risk of the lasso",
            description="The excess risk of the lasso of that penalty, followed along its path for up to 200 columns.",
            log_scaled=True,
        ),
        Variable(
            name="lasso_test_loss",
            symbol="R(β_κ) + ½σ²_noise",
            label="test loss of the lasso",
            description="The test loss of the lasso of that penalty.",
            log_scaled=True,
        ),
        Variable(
            name="lasso_distance",
            symbol="‖β − β_κ‖₂/‖β_κ‖₂",
            label="distance to the lasso",
            description="How far the end is from the lasso of that penalty, relative to it; absolute where that is 0.",
            log_scaled=True,
        ),
        Variable(
            name="duality_gap",
            symbol="",
            label="duality gap of the lasso",
            description=(
                "By how much L + κ‖β‖₁ at the end exceeds the least there is, at most, relative to what it is: proven "
                "by the dual point (y − Xβ)/N, shrunk until it is feasible."
            ),
            log_scaled=True,
        ),
        Variable(
            name="best_step",
            symbol="t_best",
            label="step of the least risk t_best",
            description=(
                "The recorded step of the least risk along the path: of `excess_risk` if β* is known, else of the "
                "held-out `test_loss`. The least among the recorded steps alone; between two it may be less."
            ),
            kind=Kind.INT,
            log_scaled=True,
        ),
        Variable(
            name="best_excess_risk",
            symbol="R(t_best)",
            label="least excess risk along the path",
            description="The excess risk at `best_step`, what early stopping at a recorded step could have had.",
            log_scaled=True,
        ),
        Variable(
            name="best_test_loss",
            symbol="R(t_best) + ½σ²_noise",
            label="least test loss along the path",
            description="The test loss at `best_step`; for user data that on the held-out set.",
            log_scaled=True,
        ),
        Variable(
            name="kernel_id",
            symbol="",
            label="kernel",
            description="Implementation, instruction set and BLAS build: within one of them a run's bits are fixed.",
            kind=Kind.TEXT,
        ),
        Variable(
            name="data_key",
            symbol="",
            label="data set",
            description="The identity of the run's data set, under which its analysis is found.",
            kind=Kind.TEXT,
        ),
    )
)
"""What every run reports."""


def _count(name: str, symbol: str, label: str, description: str) -> Variable:
    return Variable(name=name, symbol=symbol, label=label, description=description, kind=Kind.INT)


def _number(name: str, symbol: str, label: str, description: str) -> Variable:
    return Variable(name=name, symbol=symbol, label=label, description=description)


def _multiple(name: str, symbol: str, description: str) -> Variable:
    return Variable(name=name, symbol=symbol, label=f"step size {symbol}", description=description, log_scaled=True)


COORDINATES: Final = _table(
    (
        _count("samples", "N", "samples N", "Rows of X."),
        _count("dimension", "d", "dimension d", "Columns of X."),
        _count("sparsity", "r*", "sparsity r*", "Nonzero entries of the true predictor."),
        _number("data_mean", "μ", "data mean μ", "The mean of every feature."),
        _number("data_variance", "σ²", "data variance σ²", "The variance of every feature."),
        _number("noise_variance", "", "noise variance", "The variance of the noise on y."),
        _number("variance_decay", "a", "decay of variances a", "The variance of feature i is σ²·i^(−a)."),
        _number("correlation", "ρ", "correlation ρ", "The correlation of neighbouring features, ρ^k of those k apart."),
        _number("true_norm", "‖β*‖₂", "norm of the true predictor", "The ℓ2 norm of the true predictor."),
        _count("seed", "", "data seed", "The seed of the data set."),
        VARIABLES["depth"],
        _number("uv_shape", "s", "shape s of the initialisation", "u = α√((1−s)/(1+s)), v = α√((1+s)/(1−s))."),
        VARIABLES["init_scale"],
        _number("u_plus", "u₊/α", "initial u₊ / α", "What u₊ is at the start, in multiples of α."),
        _number("u_minus", "u₋/α", "initial u₋ / α", "What u₋ is at the start, in multiples of α."),
        _number("v_plus", "v₊/α", "initial v₊ / α", "What v₊ is at the start, in multiples of α."),
        _number("v_minus", "v₋/α", "initial v₋ / α", "What v₋ is at the start, in multiples of α."),
        _count("init_seed", "", "initialisation seed", "The seed of a random initialisation."),
        VARIABLES["step_size"],
        Variable(
            name="step_size_fraction",
            symbol="η/η*",
            label="step size η/η*",
            description="The step size as a multiple of the largest stable one of the data set.",
            log_scaled=True,
        ),
        _multiple("start_step_multiple", "η/η_start", "The step size as a multiple of `start_stable_step`."),
        _multiple("least_norm_step_multiple", "η/η_ℓ2", "The step size as a multiple of `least_norm_stable_step`."),
        _multiple("flow_step_multiple", "η/η_flow", "The step size as a multiple of `flow_stable_step`."),
        Variable(
            name="effective_step_size",
            symbol="η/(1−m)²",
            label="effective step size η/(1−m)²",
            description="What the step size comes to with momentum m, where it is small.",
            log_scaled=True,
        ),
        _count("warmup_steps", "W", "warm-up steps W", "Steps over which the step size grows linearly to η."),
        _count(
            "schedule_steps", "T", "steps of the schedule T", "Over which η changes, or from one change to the next."
        ),
        _number(
            "schedule_factor", "η_end/η", "factor of the schedule", "What η is multiplied by, in the end or each time."
        ),
        _number("weight_decay", "λ", "weight decay λ", "½λ‖θ‖² is added to the loss."),
        _count("weight_decay_until", "", "steps with weight decay", "After them the decay is off."),
        _count("batch_size", "B", "batch size B", "Samples in a minibatch."),
        _count("optimizer_seed", "", "optimiser seed", "The seed of minibatches or noise."),
        _number("label_noise_variance", "", "label-noise variance", "The variance of the fresh noise on y."),
        _count("noise_steps", "", "steps with label noise", "After them the noise is off."),
        _count("noise_from", "", "first step with label noise", "Before it there is no noise."),
        _number("momentum", "m", "momentum m", "How much of a step the next one repeats."),
        _number("rho", "ρ_SAM", "ascent ρ", "How far SAM ascends before each step, in multiples of the gradient."),
        _number(
            "parameter_noise_variance",
            "",
            "parameter-noise variance",
            "The variance of the fresh noise on θ where gradients are taken.",
        ),
    )
)
"""What an experiment may sweep: the axes of its grid, and the dimensions of its results."""

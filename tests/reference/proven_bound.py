"""The proven bound of a completion from the formulas of docs/science/completion.md, in Decimal, by coordinate."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

INFINITE = Decimal("Infinity")


@dataclass(frozen=True, kw_only=True)
class Given:
    """The numbers of the theorem: u± at the iterate, s of û±² = u±²e^(±s), η, L, λ̂, m = max Ê[x_i²], Λ, ‖P‖ and R."""

    u_plus: Sequence[float]
    u_minus: Sequence[float]
    s: Sequence[float]
    eta: float
    loss: float
    sharpness: float
    m: float
    largest: float
    norm_p: float
    r: float


def proven_bound(given: Given, digits: int = 40) -> Decimal:
    """f(f(B)) at B = 2‖P‖KEM; ∞ where a hypothesis of the theorem fails."""
    with localcontext() as context:
        context.prec = digits
        return _bound(given)


def _bound(given: Given) -> Decimal:
    u_plus, u_minus, s = ([Decimal(value) for value in values] for values in (given.u_plus, given.u_minus, given.s))
    eta, loss, sharpness = Decimal(given.eta), Decimal(given.loss), Decimal(given.sharpness)
    m, largest, norm_p, r = Decimal(given.m), Decimal(given.largest), Decimal(given.norm_p), Decimal(given.r)
    hat_plus = [u * u * exponent.exp() for u, exponent in zip(u_plus, s, strict=True)]
    hat_minus = [u * u * (-exponent).exp() for u, exponent in zip(u_minus, s, strict=True)]
    V = sum(map(_term, [*hat_plus, *hat_minus], [u * u for u in [*u_plus, *u_minus]]), Decimal(0))
    top = (sharpness.sqrt() + 2 * (m * V).sqrt()) ** 2
    h = eta * (2 * m * loss).sqrt()
    xi = 2 * h
    if xi >= 1:
        return INFINITE
    chi = 1 + Decimal(2) / 3 * xi / (1 - xi)
    descent = 1 - eta * top / 2 - h * (1 + h)
    gamma = 1 - eta * (top + chi * sharpness) / 4
    if descent <= 0 or gamma <= 0:
        return INFINITE
    E, W, W1 = eta * loss / descent, eta * m * V / gamma, eta * largest * V / gamma
    if W >= 1:
        return INFINITE
    K = 1 / (1 - xi * xi)
    ratios = []
    for plus, minus, hat_p, hat_m in zip(u_plus, u_minus, hat_plus, hat_minus, strict=True):
        c, beta, A = hat_p + hat_m, hat_p - hat_m, abs(plus * minus)
        reached = max(c.sqrt() - V.sqrt(), Decimal(0)) ** 2
        ratios.append((abs(beta) + Decimal(2) / 3 * xi * c) / max(2 * A * (1 - W), reached))
    M = max(ratios)

    def f(B: Decimal) -> Decimal:
        room = 1 - r * (B + K * E / (1 - W))
        return norm_p * K * (E * M + (1 + Decimal(2) / 3 * xi) * W1 * B) / room if room > 0 else INFINITE

    B = 2 * norm_p * K * E * M
    return f(f(B)) if f(B) <= B else INFINITE


def _term(hat: Decimal, at: Decimal) -> Decimal:
    return hat * (hat / at).ln() - hat + at

// The five stops: where each stands, what it says, and what to try there.

/** @type {{title: string, choice: object, says: string, tries: [string, object][]}[]} */
export const STOPS = [
  {
    title: "Many answers, one run",
    choice: { alpha: 0.05, eta: 0.1 },
    says:
      "One sample, two weights: every point of the line fits it exactly, so the data cannot say which is right. Descent " +
      "from almost nothing (α = 0.05) with small steps ends beside (1, 0), the sparsest of them all. Nobody asked it to.",
    tries: [["Start even smaller", { alpha: 0.01 }], ["Start larger, at α = 0.5", { alpha: 0.5 }]],
  },
  {
    title: "A large start chooses otherwise",
    choice: { alpha: 1.5, eta: 0.04 },
    says:
      "From a large start (α = 1.5) the weights hardly have to move, and the network behaves as a linear model: it goes " +
      "straight to the nearest point of the line, the shortest. Nothing but the size of the start is different.",
    tries: [["Half way: α = 0.3", { alpha: 0.3 }], ["Small again: α = 0.05", { alpha: 0.05 }]],
  },
  {
    title: "A larger step ends elsewhere",
    choice: { alpha: 0.05, eta: 0.6 },
    says:
      "Back to the small start. The sharpness λ says how steep the walls are around a point of the line: 16 at the sparsest, " +
      "8 at the flattest. Descent can rest only where λ < 2/η, the green part. Drag η: while 2/η > 16 nothing happens; " +
      "beyond, the green part shrinks towards the flattest, and the run must follow. At η* = 2/8 it is gone.",
    tries: [["Just below: η = 0.49 η*", { eta: 0.49 }], ["Further: η = 0.85 η*", { eta: 0.85 }]],
  },
  {
    title: "At the edge",
    choice: { alpha: 0.05, eta: 0.8 },
    says:
      "Press play. The run makes for the sparse end as before; on the way its sharpness meets 2/η. There it starts to " +
      "swing across the line, the loss goes up, and every swing takes it to a flatter place, until λ is below 2/η and it " +
      "may rest. Beyond η* nothing on the line is green, and no run can rest.",
    tries: [["Too large: η = 1.05 η*", { eta: 1.05 }], ["A gentle step: η = 0.4 η*", { eta: 0.4 }]],
  },
  {
    title: "Is flat good? Off centre it is",
    choice: { dim: 3, samples: 2, alpha: 0.3, mean: 4, eta: 0.8 },
    says:
      "Three weights, two samples, and a truth to find: (1, 0, 0). These data have a mean, μ = 4. Then λ is nearly a weighted " +
      "sum of the |βᵢ|, so that flat means sparse, and the flattest is the truth: a large step finds it, where a small one " +
      "ends far away. Take the mean away, and flat is no longer sparse: now a large step leads away from the truth.",
    tries: [["A small step", { eta: 0.02 }], ["No mean, small step", { mean: 0, eta: 0.02 }], ["No mean, large step", { mean: 0, eta: 0.95 }]],
  },
];

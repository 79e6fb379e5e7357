// The results that curves are most often drawn of, as the service labels them.

export const QUANTITIES = {
  test_loss: "test loss",
  excess_risk: "excess risk R(β) (test loss above its floor)",
  l1_norm: "ℓ1 norm ‖β‖₁",
  l2_norm: "ℓ2 norm ‖β‖₂",
  predictor_error: "error of the predictor ‖β − β*‖₂",
  sharpness: "sharpness λ_max",
  sharpness_lower_bound: "stability measure",
  effective_init: "effective initialisation √A",
  kernel_change: "change of the tangent kernel",
  kernel_distance: "distance to the kernel regime",
  train_loss: "training loss L",
  steps: "steps t",
  limit_error: "error of the limit ‖Δβ‖₂/‖β‖₂",
  sensitivity: "sensitivity ‖Δβ‖₂/‖β‖₂",
};

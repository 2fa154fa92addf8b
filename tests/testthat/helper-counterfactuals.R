# Counterfactual spectra with made-up numbers, as the bridge gives them, for tests that need no Python: four images, of
# which one keeps its class.
counterfactuals_value <- function() {
  bands <- c("blue", "red", "nir")
  before <- matrix(c(1:12) / 10, 4, 3)
  changed <- matrix(FALSE, 4, 3)
  changed[cbind(c(1, 2, 2, 3), c(2, 2, 3, 2))] <- TRUE
  after <- before + 0.2 * changed
  after[4, ] <- NaN
  outputs <- matrix(c(1, -1), 4, 2, byrow = TRUE)
  of_changes <- function(values) array(c(values, NaN))
  list(
    tables = list(
      change = list(
        image = array(c(0L, 1L, 1L, 2L, 3L)), class = array(0L * 1:5),
        counterfactual_class = array(c(1L, 1L, 1L, 1L, -1L)),
        band = array(c(1L, 1L, 2L, 1L, -1L)), wavelength = of_changes(c(660, 660, 840, 660)),
        from = of_changes(c(0.5, 0.6, 1, 0.7)), to = of_changes(c(0.7, 0.8, 1.2, 0.9)),
        change = of_changes(rep(0.2, 4)), change_sd = of_changes(rep(2, 4)), amount = of_changes(rep(0.5, 4))
      ),
      image = list(
        image = array(0:3), class = array(0L * 1:4), counterfactual_class = array(c(1L, 1L, 1L, -1L)),
        status = array(c(0L, 0L, 0L, 1L)), n_bands = array(c(1L, 2L, 1L, 0L)),
        bands = list("red", "red, nir", "red", ""), amount = of_changes(rep(0.5, 3)),
        output_before = of_changes(rep(-1, 3)), output_after = of_changes(rep(0.1, 3)),
        plausibility_before = array(rep(0.5, 4)), plausibility = of_changes(rep(0.25, 3)),
        neighbour = array(c(4L, 5L, 4L, -1L)), exact = array(rep(TRUE, 4))
      ),
      class = list(
        class = array(0L * 1:3), counterfactual_class = array(rep(1L, 3)), band = array(0:2),
        wavelength = array(c(480, 660, 840)), n = array(rep(3L, 3)), changed = array(c(0L, 3L, 1L)),
        share = array(c(0, 1, 1 / 3)), share_low = array(c(0, 0.4, 0.1)), share_high = array(c(0.6, 1, 0.8)),
        change_sd = array(c(NaN, 2, 2)), difference_sd = array(c(0, 4, 4)), std_error = array(rep(0.1, 3)),
        conf_low = array(c(-0.2, 3.8, 3.8)), conf_high = array(c(0.2, 4.2, 4.2))
      )
    ),
    status = array(c(0L, 0L, 0L, 1L)), image_class = array(0L * 1:4), counterfactual_class = array(c(1L, 1L, 1L, -1L)),
    changed = changed, before = before, after = after, neighbour_levels = before + 0.4, spread = array(rep(0.1, 3)),
    neighbour = array(c(4L, 5L, 4L, -1L)), amount = of_changes(rep(0.5, 3)), exact = array(rep(TRUE, 4)),
    outputs_before = outputs, outputs_after = -outputs, plausibility_before = array(rep(0.5, 4)),
    plausibility = of_changes(rep(0.25, 3)), bands = as.list(bands), wavelengths = as.list(c(480, 660, 840)),
    classes = list("soil", "wood"), labels = array(0L * 1:4),
    statuses = list("changed", "unchanged", "already", "alone"), max_bands = 2L, neighbours = 3L, n_background = 6L,
    output = "logit", groups = list(two = c("a", "b")), seed = 0L, model = "made up",
    versions = list(bandlens = "0.1.0"), seconds = 1.5,
    verdict = "3 of 4 images change their class with 1 band (median; at most 2).", caveat = "Bands are of real images."
  )
}

made_counterfactuals <- function() as_counterfactual_spectra(counterfactuals_value())

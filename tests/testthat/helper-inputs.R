# Optical images, radar images of another size, and rows of numbers.
fused_images <- function(n = 12, seed = 1) {
  withr::with_seed(seed, list(
    optical = array(stats::runif(n * 108), c(n, 6, 6, 3), list(NULL, NULL, NULL, c("blue", "red", "nir"))),
    sar = array(stats::runif(n * 18), c(n, 3, 3, 2)),
    weather = matrix(stats::runif(n * 2), n, 2, dimnames = list(NULL, c("rain", "wind")))
  ))
}

fused_model <- function() {
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  layers <- keras$layers
  optical <- keras$Input(list(6L, 6L, 3L), name = "optical")
  sar <- keras$Input(list(3L, 3L, 2L), name = "sar")
  weather <- keras$Input(list(2L), name = "weather")
  pooled <- function(input) layers$GlobalAveragePooling2D()(layers$Conv2D(4L, 2L, activation = "relu")(input))
  found <- layers$Concatenate()(list(pooled(optical), pooled(sar), weather))
  keras$Model(list(optical, sar, weather), layers$Dense(3L, activation = "softmax")(found))
}

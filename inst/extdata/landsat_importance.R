# Makes landsat_importance.rds, the stored result that examples and vignettes show, so that they need no Python.
# From the root of the sources, with bandlens installed: Rscript inst/extdata/landsat_importance.R

library(bandlens)

landsat <- landsat_patches()
keras <- reticulate::import("keras")
keras$utils$set_random_seed(1L)
layers <- keras$layers
model <- keras$Sequential(name = "landsat_cnn", layers = list(
  keras$Input(list(3L, 3L, 4L)),
  layers$Rescaling(1 / 255),
  layers$Conv2D(32L, 3L, padding = "same", use_bias = FALSE),
  layers$BatchNormalization(),
  layers$ReLU(),
  layers$Conv2D(64L, 3L, padding = "same", use_bias = FALSE),
  layers$BatchNormalization(),
  layers$ReLU(),
  layers$MaxPooling2D(2L, padding = "same"),
  layers$Flatten(),
  layers$Dropout(0.3),
  layers$Dense(64L, activation = "relu"),
  layers$Dense(6L, activation = "softmax")
))
steps <- 20L * as.integer(ceiling(length(landsat$train$y) / 64))
schedule <- keras$optimizers$schedules$CosineDecay(0.003, steps)
model$compile(optimizer = keras$optimizers$Adam(schedule), loss = "sparse_categorical_crossentropy")
y <- as.array(as.integer(landsat$train$y) - 1L)
invisible(model$fit(unname(landsat$train$x), y, epochs = 20L, batch_size = 64L, verbose = 0L))

# the first 40 test patches of each class
rows <- sort(unlist(lapply(split(seq_along(landsat$test$y), landsat$test$y), utils::head, 40)))
importance <- band_importance(
  model, landsat$test$x[rows, , , ], landsat$test$y[rows],
  background = landsat$train$x, wavelengths = landsat$wavelengths
)
print(summary(importance))
cat("Accuracy:", mean(importance$prediction == importance$image_class), "\n")
# without the pairs behind the standard errors: only who takes some of the images needs them, and are 20 times the rest
importance[c("pair_scores", "pair_images")] <- NULL
saveRDS(importance, file.path("inst", "extdata", "landsat_importance.rds"), compress = "xz")

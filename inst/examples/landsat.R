# Which bands does a land-cover network use? The whole job on real satellite images, from R:
#
#   Rscript landsat.R [FOLDER]
#
# trains a small convolutional network, explains it by saliency and by DeepSHAP, prints both class x band tables and
# writes tables (.csv), pictures (.png), a report (.html) and the network (.keras) into FOLDER, by default "demo".
# About a minute.

library(bandlens)
library(ggplot2)

folder <- c(commandArgs(trailingOnly = TRUE), "demo")[[1]]
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
Sys.setenv(TF_CPP_MIN_LOG_LEVEL = "3") # spare us TensorFlow's notes about missing GPUs

# ---- Data: 3 x 3 pixels, 4 bands, 6 classes --------------------------------------------------------------------------

landsat <- landsat_patches()
x_train <- landsat$train$x
y_train <- as.array(as.integer(landsat$train$y) - 1L) # Keras counts classes from 0
x_test <- landsat$test$x
y_test <- landsat$test$y # a factor: gives the classes their names

# ---- A small convolutional network -----------------------------------------------------------------------------------

epochs <- 30L
batch_size <- 64L
steps <- epochs * as.integer(ceiling(length(y_train) / batch_size))

if (requireNamespace("keras3", quietly = TRUE)) {
  library(keras3)
  set_random_seed(1)
  model <- keras_model_sequential(input_shape = c(3, 3, 4), name = "landsat_cnn") |>
    layer_rescaling(1 / 255) |>
    layer_conv_2d(32, 3, padding = "same") |>
    layer_batch_normalization() |>
    layer_activation_relu() |>
    layer_conv_2d(64, 3, padding = "same") |>
    layer_batch_normalization() |>
    layer_activation_relu() |>
    layer_max_pooling_2d(2, padding = "same") |>
    layer_flatten() |>
    layer_dropout(0.3) |>
    layer_dense(64, activation = "relu") |>
    layer_dropout(0.3) |>
    layer_dense(6, activation = "softmax")
  model |> compile(
    optimizer = optimizer_adam(learning_rate_schedule_cosine_decay(0.003, steps)),
    loss = "sparse_categorical_crossentropy"
  )
  history <- model |> fit(x_train, y_train, epochs = epochs, batch_size = batch_size, verbose = 0)
  save_model(model, file.path(folder, "landsat.keras"), overwrite = TRUE)
} else { # the same without the R package keras3: Python's Keras through reticulate
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(1L)
  model <- keras$Sequential(name = "landsat_cnn", layers = list(
    keras$Input(list(3L, 3L, 4L)),
    keras$layers$Rescaling(1 / 255),
    keras$layers$Conv2D(32L, 3L, padding = "same"),
    keras$layers$BatchNormalization(),
    keras$layers$ReLU(),
    keras$layers$Conv2D(64L, 3L, padding = "same"),
    keras$layers$BatchNormalization(),
    keras$layers$ReLU(),
    keras$layers$MaxPooling2D(2L, padding = "same"),
    keras$layers$Flatten(),
    keras$layers$Dropout(0.3),
    keras$layers$Dense(64L, activation = "relu"),
    keras$layers$Dropout(0.3),
    keras$layers$Dense(6L, activation = "softmax")
  ))
  model$compile(
    optimizer = keras$optimizers$Adam(keras$optimizers$schedules$CosineDecay(0.003, steps)),
    loss = "sparse_categorical_crossentropy"
  )
  history <- model$fit(x_train, y_train, epochs = epochs, batch_size = batch_size, verbose = 0L)
  model$save(file.path(folder, "landsat.keras"))
}

# ---- Which bands does it use, for which class? -----------------------------------------------------------------------

saliency <- band_importance(model, x_test, y_test, method = "saliency", wavelengths = landsat$wavelengths)
deepshap <- band_importance(
  model, x_test, y_test,
  method = "deepshap", background = x_train, n_background = 500, seed = 1, wavelengths = landsat$wavelengths
)
# the same with another draw of background images: how much does that matter?
again <- band_importance(
  model, x_test, y_test,
  method = "deepshap", background = x_train, n_background = 500, seed = 2, wavelengths = landsat$wavelengths
)

images <- augment(deepshap)
cat("Test accuracy:", round(mean(images$prediction == images$class), 4), "\n\n")
options(width = 130)
print(tidy(saliency), n = Inf)
print(tidy(deepshap), n = Inf)
print(summary(deepshap))

# ---- Tables, pictures, report ----------------------------------------------------------------------------------------

write.csv(tidy(saliency), file.path(folder, "class_band_saliency.csv"), row.names = FALSE)
write.csv(tidy(deepshap), file.path(folder, "class_band_deepshap.csv"), row.names = FALSE)

picture <- function(importance, kind, height) {
  file <- file.path(folder, paste0(kind, "_", importance$method, ".png"))
  ggsave(file, autoplot(importance, kind), width = 175, height = height, units = "mm", dpi = 200, bg = "white")
}
picture(deepshap, "heatmap", 80)
picture(deepshap, "bars", 100)
picture(saliency, "heatmap", 80)
picture(saliency, "bars", 100)

# results are plain data: what is saved here can be read in a session without Python, as the report does
saveRDS(list(saliency = saliency, deepshap = deepshap, again = again), file.path(folder, "landsat.rds"))
invisible(file.copy(system.file("examples", "landsat.Rmd", package = "bandlens"), folder, overwrite = TRUE))
rmarkdown::render(file.path(folder, "landsat.Rmd"), quiet = TRUE)

cat("\nWrote into ", normalizePath(folder), ":\n", paste0("  ", sort(list.files(folder)), "\n"), sep = "")

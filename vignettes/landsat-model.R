# The network that the vignettes explain; precompute.R runs this once, and getting started shows it.
# ---- train
landsat <- landsat_patches()
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
rate <- keras$optimizers$schedules$CosineDecay(0.003, 30L * 70L) # 30 epochs of 70 batches
model$compile(optimizer = keras$optimizers$Adam(rate), loss = "sparse_categorical_crossentropy")

y_train <- as.array(as.integer(landsat$train$y) - 1L) # Keras counts classes from 0
fitted <- model$fit(unname(landsat$train$x), y_train, epochs = 30L, batch_size = 64L, verbose = 0L)
model$save("landsat.keras")

# Real data to try things on. Read from the files that the Python package ships, without Python.

#' Land cover from Landsat MSS: 6435 patches, 4 bands, 6 classes
#'
#' The Statlog (Landsat Satellite) data of the UCI Machine Learning Repository with its official split: 4435 patches
#' for training and 2000 for testing. Each patch has 3 x 3 pixels (about 80 m each) and 4 bands; the class is the land
#' cover of the central pixel, from a site visit. Reading it needs no Python.
#'
#' @details
#' Values are digital numbers from 0 to 255. Scale them in the model (a `Rescaling` or `Normalization` layer) or divide
#' by 255.
#'
#' The bands are Landsat MSS bands 4 to 7: green (500-600 nm), red (600-700), and two near infrareds, `nir1` (700-800)
#' and `nir2` (800-1100). Classes are in the order of their original codes; the original code 6 ("mixture") does not
#' occur. The split is by patch, not by place: 97 % of the test patches share six of their nine pixels with a training
#' patch, so accuracy on them says little about other places.
#'
#' @returns A list, which prints in a few lines:
#' \describe{
#'   \item{`train`, `test`}{lists of `x`, an array of patches x rows x columns x bands with the band names as
#'     `dimnames`, and `y`, a factor with one class per patch.}
#'   \item{`bands`, `wavelengths`, `classes`}{band names, band centres in nm, class names.}
#'   \item{`source`, `licence`, `title`}{where the data comes from (to be cited), its licence, CC BY 4.0, and its name.}
#' }
#' `train` and `test` are of class `band_patches`, as what [extract_patches()] gives.
#' @source Srinivasan, A. (1993). Statlog (Landsat Satellite) \[Dataset\]. UCI Machine Learning Repository.
#'   \doi{10.24432/C55887}. Licensed
#'   [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).
#' @examples
#' landsat <- landsat_patches()
#' landsat
#' dim(landsat$train$x)
#' table(landsat$test$y)
#'
#' # mean spectrum of each class
#' round(apply(landsat$train$x, 4, \(band) tapply(rowMeans(band), landsat$train$y, mean)))
#' @export
landsat_patches <- function() {
  folder <- system.file("python", "bandlens", "datasets", package = "bandlens", mustWork = TRUE)
  fields <- as.list(read.dcf(file.path(folder, "landsat.txt"))[1, ])
  items <- function(name) strsplit(fields[[name]], ", ", fixed = TRUE)[[1]]
  bands <- items("Bands")

  packed <- xzfile(file.path(folder, "landsat.csv.xz"), "rt")
  on.exit(close(packed))
  names <- strsplit(readLines(packed, 1), ",", fixed = TRUE)[[1]]
  values <- scan(packed, integer(), sep = ",", quiet = TRUE)
  values <- matrix(values, nrow = length(names), dimnames = list(names, NULL))

  # within a patch the band varies fastest, then the column; in an R array the first axis does
  x <- as.numeric(values[-(1:2), ])
  dim(x) <- c(length(bands), as.integer(fields$Columns), as.integer(fields$Rows), ncol(values))
  x <- aperm(x, 4:1)
  dimnames(x) <- list(NULL, NULL, NULL, bands)
  y <- factor(values["class", ], levels = items("Codes"), labels = items("Classes"))

  part <- function(rows) list(x = x[rows, , , , drop = FALSE], y = y[rows])
  band_dataset(
    train = part(values["test", ] == 0),
    test = part(values["test", ] == 1),
    bands = bands,
    wavelengths = as.numeric(items("Wavelengths")),
    classes = items("Classes"),
    source = fields$Source,
    licence = fields$Licence,
    title = fields$Title
  )
}

#' A trained network to try things on
#'
#' The path of a small convolutional network, trained on the patches of [landsat_patches()], which ships with the
#' package. It takes their digital numbers and gives probabilities of their six classes, and is right for 90.8 % of the
#' test patches. The script `system.file("examples", "landsat.R", package = "bandlens")` trains the same one from R.
#'
#' @details
#' Two convolutions with batch normalisation, pooling and dropout. `python/bandlens/datasets/make_landsat_model.py` made
#' the file, which every Keras 3 reads, on TensorFlow, JAX and PyTorch.
#'
#' @returns A string, the path of a file that [band_importance()] and all other functions take as `model`.
#'   `keras3::load_model()` gives the model itself.
#' @seealso [landsat_patches()]
#' @examples
#' basename(landsat_model())
#' @export
landsat_model <- function() {
  system.file("python", "bandlens", "datasets", "landsat.keras", package = "bandlens", mustWork = TRUE)
}

# ---- what sets of patches show of themselves ------------------------------------------------------------------------

# A list of two lists of patches and of what there is to say of both: 59 000 numbers that must not fill the console.
band_dataset <- function(train, test, ...) {
  parts <- lapply(list(train = train, test = test), structure, class = "band_patches")
  structure(c(parts, list(...)), class = "band_dataset")
}

#' @export
print.band_dataset <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.band_dataset <- function(x, ...) {
  size <- dim(x$train$x)
  n <- c(train = size[[1]], test = dim(x$test$x)[[1]])
  c(
    cli::style_bold(x$title),
    paste0(
      "$train and $test: ", n[["train"]], " and ", n[["test"]], " patches of ", size[[2]], " x ", size[[3]],
      " pixels, ", count(size[[4]], "band"), "; images in $x, labels in $y"
    ),
    paste0("Bands: ", some(sprintf("%s (%s nm)", x$bands, round(x$wavelengths)), most = 13L)),
    paste0("Classes: ", some(paste0(x$classes, " (", table(x$train$y) + table(x$test$y), ")"))),
    paste0("Licence: ", x$licence, "; $source says what to cite"),
    cli::col_grey("# band_importance(model, $test$x, $test$y, background = $train$x, wavelengths = $wavelengths)")
  )
}

# What R adds to a call of the Python core: time, and memory for a large array.
#
# Rscript tests/benchmarks/r_costs.R [--small]
#
# Time: the same images explained from R and by the core alone, in one process, by turns. Memory: peak of whole
# processes that explain a 20 MB and a 2 GB array of R, less the arrays themselves.

suppressMessages(pkgload::load_all(quiet = TRUE))
arguments <- commandArgs(trailingOnly = TRUE)
small <- "--small" %in% arguments
here <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))

network <- function() {
  keras <- reticulate::import("keras")
  keras$utils$set_random_seed(0L)
  keras$Sequential(list(
    keras$Input(list(16L, 16L, 13L)),
    keras$layers$Conv2D(8L, 3L, activation = "relu"),
    keras$layers$GlobalAveragePooling2D(),
    keras$layers$Dense(4L, activation = "softmax")
  ))
}

images <- function(bytes) {
  array(0.5, c(max(1, bytes %/% (8 * 16 * 16 * 13)), 16, 16, 13))
}

peak <- function(bytes) {
  x <- images(bytes)
  band_importance(network(), x, method = "saliency", progress = FALSE)
  status <- readLines("/proc/self/status")
  high <- as.numeric(gsub("\\D", "", grep("^VmHWM", status, value = TRUE))) * 1024
  cat(high - as.numeric(utils::object.size(x)), "\n")
}

if ("--peak" %in% arguments) {
  peak(as.numeric(arguments[[match("--peak", arguments) + 1]]))
  quit("no")
}

model <- network()
set.seed(1)
x <- array(stats::runif((if (small) 20 else 400) * 16 * 16 * 13), c(if (small) 20 else 400, 16, 16, 13))
in_python <- reticulate::r_to_py(x)
from_r <- function() band_importance(model, x, method = "deepshap", n_background = 20, progress = FALSE)
from_python <- function() {
  core$band_importance(model, in_python, method = "deepshap", n_background = 20L, progress = FALSE)
}
invisible(from_r())
core <- reticulate::import("bandlens", convert = FALSE) # the one that the R package carries, which it has imported
invisible(from_python())
seconds <- function(run) system.time(run())[["elapsed"]]
times <- replicate(if (small) 2 else 7, c(r = seconds(from_r), python = seconds(from_python)))
middle <- apply(times, 1, stats::median)
cat(sprintf(
  "R %.2f s, the core alone %.2f s: R adds %.2f s (%.1f %%)\n",
  middle[["r"]], middle[["python"]], middle[["r"]] - middle[["python"]], 100 * (middle[["r"]] / middle[["python"]] - 1)
))

sizes <- if (small) c(2e6, 2e7) else c(2e7, 2e9)
peaks <- vapply(sizes, function(size) {
  as.numeric(system2(file.path(R.home("bin"), "Rscript"), c(here, "--peak", size), stdout = TRUE))
}, 0)
cat(sprintf(
  "peak memory beyond the array: %.0f MB for %.0f MB, %.0f MB for %.0f MB\n",
  peaks[[1]] / 1e6, sizes[[1]] / 1e6, peaks[[2]] / 1e6, sizes[[2]] / 1e6
))

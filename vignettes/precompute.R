# Knits the vignettes' sources, NAME.Rmd.orig, to NAME.Rmd with output and pictures, so that building and checking the
# package needs neither Python nor TensorFlow. From the root of the sources:
#
#   Rscript vignettes/precompute.R [NAME ...]
#
# All of them take minutes. Vignettes are written for users of keras3; where it is not installed, its stand-in for tests
# is put into .envs/vignettes.

root <- normalizePath(".")
folder <- file.path(root, "vignettes")
store <- file.path(root, ".envs", "vignettes")
dir.create(store, showWarnings = FALSE, recursive = TRUE)
Sys.setenv(TF_CPP_MIN_LOG_LEVEL = "3", PYTHONPATH = file.path(root, "python")) # for vignettes in Python

# R code in a process of its own, so that no vignette depends on another one
in_r <- function(code) {
  start <- "options(cli.num_colors = 1L, cli.unicode = TRUE); pkgload::load_all('%s', quiet = TRUE); "
  code <- paste0(sprintf(start, root), code)
  if (system2(file.path(R.home("bin"), "Rscript"), c("-e", shQuote(code))) != 0) {
    stop("failed: ", code, call. = FALSE)
  }
}

if (!requireNamespace("keras3", quietly = TRUE)) {
  double <- file.path(root, "tests", "packaging", "keras3-double")
  utils::install.packages(double, lib = store, repos = NULL, type = "source", quiet = TRUE)
  Sys.setenv(R_LIBS = paste(c(store, Sys.getenv("R_LIBS")), collapse = .Platform$path.sep))
}

knit <- "
  setwd('%s')
  knitr::opts_chunk$set(
    error = FALSE, comment = '#>', fig.path = 'figures/%s-', dev = 'png', dev.args = list(type = 'cairo'), dpi = 140,
    fig.width = 175 / 25.4, fig.height = 80 / 25.4, out.width = '100%%'
  )
  options(width = 90, pillar.min_title_chars = Inf, digits = 4)
  knitr::knit('%s.Rmd.orig', '%s.Rmd', quiet = TRUE, encoding = 'UTF-8')
"
# Pictures are kept in git and in the package: 96 colours or fewer are a third of the size. They are chosen to cover all
# colours that there are, so that a scale keeps its colours beside a composite of many others, then moved to those that
# are frequent, so that grey stays grey. WebP, without loss, takes a quarter less than PNG. What is large even so is a
# photograph: without areas of one colour it is smaller with loss, and keeps all its colours. Pillow is there, as
# plotnine needs it.
python <- Sys.getenv("RETICULATE_PYTHON", "python3")
shrink <- "
import os
import sys
from PIL import Image
for path in sys.argv[1:]:
    picture = Image.open(path).convert('RGB')
    few = picture.quantize(96, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).convert('RGB')
    small = os.path.splitext(path)[0] + '.webp'
    few.save(small, lossless=True, quality=100, method=6)
    if os.path.getsize(small) > 60_000:
        picture.save(small, quality=75, method=6)
    os.remove(path)
"
asked <- commandArgs(trailingOnly = TRUE)
all <- sub("[.]Rmd[.]orig$", "", list.files(folder, "[.]Rmd[.]orig$"))
for (name in if (length(asked) > 0) asked else all) {
  message("knitting ", name)
  unlink(Sys.glob(file.path(folder, "figures", paste0(name, "-*.webp"))))
  in_r(sprintf(knit, folder, name, name, name))
  made <- Sys.glob(file.path(folder, "figures", paste0(name, "*.png")))
  if (length(made) > 0 && system2(python, c("-c", shQuote(shrink), shQuote(made))) != 0) {
    stop("could not shrink the pictures", call. = FALSE)
  }
  made <- file.path(folder, paste0(name, ".Rmd"))
  lines <- gsub('(src="figures/[^"]*)[.]png"', '\\1.webp"', readLines(made, encoding = "UTF-8"))
  header <- which(lines == "---")[[2]]
  note <- sprintf("<!-- Made from %s.Rmd.orig by precompute.R: change that file, then `make vignettes`. -->", name)
  lines <- c(lines[seq_len(header)], "", note, lines[-seq_len(header)])
  lines <- lines[!(lines == "" & c("x", lines[-length(lines)]) == "")] # what hidden code leaves behind
  writeLines(lines, made, useBytes = TRUE)
}

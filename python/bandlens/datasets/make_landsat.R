# Writes landsat.csv.xz from R's mlbench, which has the UCI files sat.trn and sat.tst as one data frame, in their order.
# Run in this folder: Rscript make_landsat.R

meta <- as.list(read.dcf("landsat.txt")[1, ])
split_list <- function(text) strsplit(text, ", ", fixed = TRUE)[[1]]
bands <- split_list(meta$Bands)
codes <- as.integer(split_list(meta$Codes))

data("Satellite", package = "mlbench", envir = environment())
stopifnot(
  identical(levels(Satellite$classes), split_list(meta$Classes)),
  nrow(Satellite) == 6435
)

# band fastest, then column, then row, as in the UCI files
position <- expand.grid(band = bands, column = 1:3, row = 1:3)
table <- Satellite[paste0("x.", 1:36)]
names(table) <- paste(position$band, position$row, position$column, sep = "_")
table <- data.frame(
  test = as.integer(seq_len(nrow(Satellite)) > 4435), # the official split: sat.trn has 4435 rows, sat.tst 2000
  class = codes[as.integer(Satellite$classes)],
  table
)

file <- xzfile("landsat.csv.xz", "wb", compression = -9)
write.table(table, file, sep = ",", row.names = FALSE, quote = FALSE)
close(file)

library(testthat)
library(bandlens)

test_check("bandlens")

# So that the plots of the shapviz package work on band scores. That package is not among the suggested ones: the method
# is registered when the package is loaded.

shapviz_band_importance <- function(object, ...) {
  in_verb("make a shapviz object", {
    if (is.null(object$completeness)) {
      cause("result", paste0("The scores of method \"", object$method, "\" are no Shapley values."),
        expected = "an additive method, such as \"deepshap\""
      )
    }
  })
  namespace <- asNamespace("shapviz")
  scores <- row_scores(object)
  k <- ncol(object$image_output)
  means <- as.data.frame(object$band_means[rep(seq_len(nrow(object$band_means)), each = k), , drop = FALSE])
  base <- by_row(object$base_values)
  of_rows <- function(rows) {
    own <- scores[rows, , drop = FALSE]
    get("shapviz", namespace)(own, X = means[rows, , drop = FALSE], baseline = base[rows][[1]], ...)
  }
  outputs <- droplevels(row_outputs(object))
  parts <- lapply(split(seq_along(outputs), outputs), of_rows)
  if (length(parts) == 1) parts[[1]] else get("mshapviz", namespace)(parts)
}

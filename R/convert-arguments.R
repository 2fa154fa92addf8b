# Models, options, results and numbers on their way to Python; see convert-images.R for the rules.

# "class", "predicted", "all", an output's name, or its number counted from 1.
as_target <- function(target) {
  if (rlang::is_string(target)) {
    return(target)
  }
  if (!is_count(target)) {
    cause("option", "`target` names no output of the model.",
      expected = "\"class\", \"predicted\", \"all\", or one output by name or by number, counted from 1",
      given = shown(target)
    )
  }
  as.integer(target) - 1L
}

# Model: a Python object, the path of a saved one, or an R function of images, whose bands have these names.
as_model <- function(model, bands = NULL, axis = -1L, name = "model") {
  if (inherits(model, "python.builtin.object")) {
    if (reticulate::py_is_null_xptr(model)) {
      cause("model_type", lost_object(name),
        fix = paste(
          "a live model can't be sent to another R process (future, callr, parallel) nor kept in a workspace: save it",
          "with `keras3::save_model(model, \"model.keras\")` and pass the path, `\"model.keras\"`"
        )
      )
    }
    return(model)
  }
  if (rlang::is_string(model)) {
    return(path.expand(model))
  }
  if (is.function(model)) {
    if (makes_models(model)) {
      cause("model_type", paste0("`", name, "` is a function of keras3 that makes models or layers."),
        expected = "a model that was made, and trained", given = "the function itself",
        fix = "call it, and pass what it gives"
      )
    }
    return(as_model_function(model, "R function", bands, axis))
  }
  cause("model_type", paste0("`", name, "` is not a model that can be explained."),
    expected = "a Keras model, the path of a saved one (.keras or .h5), or a function from images to scores",
    given = shown(model), fix = model_instead(model)
  )
}

# Is it one of keras3's own functions, such as application_mobilenet() without its brackets?
makes_models <- function(model, packages = c("keras3", "keras")) {
  home <- environment(model)
  is.environment(home) && isNamespace(home) && getNamespaceName(home)[["name"]] %in% packages
}

# What to pass instead of what is no model.
model_instead <- function(model) {
  if (inherits(model, "keras_training_history")) {
    return("pass the model that was trained, not what `fit()` returned")
  }
  if (is_list_of_models(model)) {
    return("a list holds models, and is none: pass one of them, `model[[1]]`")
  }
  if (is.object(model)) {
    return(paste0(
      "wrap what predicts in a function from images to scores, such as ",
      "`function(x) predict(fitted, matrix(x, nrow = dim(x)[1]))`; method \"occlusion\", \"shapley\", ",
      "\"owen\", \"permutation\", \"sage\" and \"lime\" take it"
    ))
  }
}

is_list_of_models <- function(model) {
  live <- function(entry) inherits(entry, "python.builtin.object") || is.function(entry)
  is.list(model) && !is.object(model) && length(model) > 0 && live(model[[1]])
}

lost_object <- function(name) {
  paste0("`", name, "` was made in another R session: only an empty reference to it has come along.")
}

# Options of a method. R users write 50 where Python insists on an integer.
as_method_options <- function(...) {
  options <- list(...)
  if (length(options) > 0 && (is.null(names(options)) || any(names(options) == ""))) {
    cause("option", "Options of the method must be named.",
      given = paste(sum(rlang::names2(options) == ""), "without a name"),
      fix = "only `model`, `x` and `y` can be given by position"
    )
  }
  options <- lapply(options, as_option)
  functions <- vapply(options, is.function, NA) & !vapply(options, inherits, NA, "python.builtin.object")
  options[functions] <- Map(as_function, options[functions], names(options)[functions])
  options
}

# A function that Python calls with arrays: classes, which are whole numbers, count from 1 for it.
as_function <- function(given, name) {
  called <- function(...) do.call(given, lapply(list(...), from_positions))
  attr(called, "py_function_name") <- name
  called
}

as_option <- function(value) {
  if (is.list(value) && !is.object(value)) {
    return(lapply(value, as_option))
  }
  if (is.factor(value)) {
    value <- as.character(value)
  }
  if (is_whole(value)) {
    storage.mode(value) <- "integer"
  }
  value
}

# A result as Python's own class takes it: its fields by name, without what is derived from them.
as_result <- function(result, name = "result") {
  check_result(result, name)
  as_fields(result, "band_importance")
}

check_result <- function(result, name) {
  if (!inherits(result, "band_importance")) {
    cause("result", paste0("`", name, "` is no result of `band_importance()`."),
      expected = "a `band_importance` object", given = shown(result),
      fix = if (inherits(result, "pooled_importance")) "give results of single runs, not what was pooled of them"
    )
  }
}

# NA exists in R only.
as_numbers <- function(values) {
  storage.mode(values) <- "double"
  values[is.na(values)] <- NaN
  dimnames(values) <- NULL
  values
}

# Images of a result as positions counted from 0.
as_image_positions <- function(i, n) {
  if (!says_which(i, n)) {
    cause("option", "This does not say which images to take.",
      expected = paste0("positions from 1 to ", n, ", negative ones to leave out, or ", n, " times TRUE or FALSE"),
      given = shown(i), fix = if (is.character(i)) "take parts of the result with `$`"
    )
  }
  if (is.numeric(i) && any(abs(i) > n)) {
    cause("option", "There are no such images.",
      expected = paste("positions from 1 to", n), given = some(i[abs(i) > n])
    )
  }
  if (is.logical(i) || any(i < 0)) {
    i <- seq_len(n)[i]
  }
  array(as.integer(i) - 1L, length(i))
}

# Are these positions to take, or to leave out, or one TRUE or FALSE for each of n?
says_which <- function(i, n) {
  if (is.logical(i)) {
    return(length(i) == n && !anyNA(i))
  }
  length(i) == 0 || is_whole(i) && (all(i > 0) || all(i < 0))
}

# A band by name, or by its position counted from 1.
as_band <- function(band, name) {
  if (is.factor(band)) {
    band <- as.character(band)
  }
  if (is.null(band) || rlang::is_string(band)) {
    return(band)
  }
  if (!is_count(band)) {
    cause("bands", paste0("`", name, "` names no band."),
      expected = "the name of a band, or its position counted from 1", given = shown(band)
    )
  }
  as.integer(band) - 1L
}

# TRUE or FALSE.
as_flag <- function(value, name) {
  if (!rlang::is_bool(value)) {
    cause("option", paste0("`", name, "` must be TRUE or FALSE."), given = shown(value))
  }
  value
}

# A whole number of at least 1 (or `least`), or NULL where that is allowed.
as_count <- function(value, name, least = 1, null = FALSE) {
  if (is.null(value) && null) {
    return(NULL)
  }
  if (!is_count(value, least)) {
    cause("option", paste0("`", name, "` must be a whole number of at least ", least, "."), given = shown(value))
  }
  as.integer(value)
}

is_count <- function(value, least = 1) {
  length(value) == 1 && is_whole(value) && value >= least
}

is_whole <- function(value) {
  is.numeric(value) && length(value) > 0 && all(is.finite(value)) && all(value == floor(value)) &&
    all(abs(value) <= .Machine$integer.max)
}

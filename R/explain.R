# What a table of importances is asked for, and how the core is asked. All verbs that compute one go through here.

# The arguments that these verbs share, each named once, with its default; what else there is in `...` are options of
# the method. So a check hands on its own `...`, and band_importance(), whose signature is what users read, all of them.
table_arguments <- function(...,
                            method = "deepshap",
                            background = NULL,
                            n_background = 100,
                            target = "class",
                            output = "auto",
                            head = NULL,
                            task = "auto",
                            zone = NULL,
                            ignore = NULL,
                            statistic = NULL,
                            bands = NULL,
                            wavelengths = NULL,
                            groups = NULL,
                            classes = NULL,
                            band_axis = -1,
                            time_axis = NULL,
                            times = NULL,
                            reorder = FALSE,
                            batch_size = NULL,
                            seed = 0,
                            client = NULL) {
  arguments <- list(
    method = if (is.list(method)) unlist(method) else method, background = background, n_background = n_background,
    target = target, output = as_output(output), bands = bands, wavelengths = wavelengths, classes = classes,
    band_axis = band_axis, reorder = reorder, batch_size = batch_size, seed = seed
  )
  arguments <- c(arguments, as_outputs(head, task, zone, ignore))
  # maps have none of these, so they are there only if they were given
  arguments$time_axis <- time_axis
  arguments$times <- times
  arguments$statistic <- statistic
  arguments$client <- as_client(client)
  arguments$groups <- as_groups(groups)
  list(arguments = arguments, options = as_method_options(...))
}

# Who computes: the address of a scheduler, or a number of local workers, which Python tells apart by their type.
as_client <- function(client) {
  if (is.null(client) || rlang::is_string(client)) {
    return(client)
  }
  if (rlang::is_integerish(client, n = 1, finite = TRUE) && client >= 1) {
    return(as.integer(client))
  }
  cause("option", "`client` is none.",
    expected = "the address of a Dask scheduler, such as \"tcp://10.0.0.1:8786\", or a number of local workers",
    given = shown(client)
  )
}

# For verbs that make one table.
one_method <- function(method) {
  if (length(method) > 1) {
    cause("option", "This takes one method at a time.",
      expected = "one of `band_methods()`", given = shown(unlist(method)),
      fix = "`band_importance()` takes several, and `compare_importance()` what it gives"
    )
  }
}

as_output <- function(output) choose(output, c("auto", "logit", "probability"), "output")

# Convert what a verb was given, and have the core compute. `asked` is of table_arguments().
explain <- function(verb, model, x, y, asked, progress, doing = "Explaining images") {
  question <- as_question(model, x, y, asked)
  call_bridge(verb, question$model, question$x, question$y, question$arguments, progress_bar(progress, doing))
}

# The same for several models, which the core pools.
explain_models <- function(models, x, y, asked, progress) {
  question <- as_question(models, x, y, asked, as_models)
  call_bridge(
    "pool_models", question$model, run_names(models), question$x, question$y, question$arguments,
    progress_bar(progress, "Explaining models")
  )
}

# What the core is asked, as it takes it; `convert` is how models go there.
as_question <- function(model, x, y, asked, convert = as_model) {
  arguments <- asked$arguments
  y <- own_labels(x, y)
  said <- as_described(
    x, arguments$background, arguments$bands, arguments$wavelengths, arguments$band_axis, arguments$time_axis,
    arguments$times
  )
  model <- convert(model, said$names, said$axis)
  labels <- as_labels(y, arguments$classes, arguments$ignore)
  converted <- list(
    n_background = as_count(arguments$n_background, "n_background", null = TRUE),
    target = as_target(arguments$target),
    classes = labels$classes,
    reorder = as_flag(arguments$reorder, "reorder"),
    batch_size = as_count(arguments$batch_size, "batch_size", null = TRUE),
    seed = as_count(arguments$seed, "seed", least = 0)
  )
  arguments[c(names(converted), names(said$arguments))] <- c(converted, said$arguments)
  list(model = model, x = said$x, y = labels$y, arguments = c(arguments, asked$options))
}

# A check that computes tables itself; `own` are its arguments besides those of the tables, converted.
explain_check <- function(verb, model, x, y, asked, own, progress) {
  asked$arguments <- c(asked$arguments, own)
  as_band_check(explain(verb, model, x, y, asked, progress, "Checking"))
}

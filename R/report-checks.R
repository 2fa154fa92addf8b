# What the checks found, as a band report tells it.

report_belief <- function(importance) {
  n <- length(importance$image_class)
  right <- sum(importance$image_class == importance$prediction, na.rm = TRUE)
  c(
    if (!is.null(importance$images)) {
      c("### The model", "", if (is.null(importance$accuracy)) {
        "Nothing was labelled: classes are those that the model predicts."
      } else {
        paste0(md(told_accuracy(importance)), ". Where it is wrong, its errors are explained, too.")
      }, "")
    } else if (length(importance$classes) > 1) {
      c("### The model", "", if (right == n) {
        "Every image is counted in the class that the model predicts for it."
      } else {
        paste0(
          "The model predicts the class of ", right, " of the ", n, " images (", percent(right / n), ") right. ",
          "Where it is wrong, its errors are explained, too."
        )
      }, "")
    },
    if (!is.null(importance$completeness)) {
      c("### Completeness", "", paste0(
        "The scores of an image should sum to its output less that of the background. The largest deviation of any ",
        "image is ", format(importance$completeness, digits = 2), " times that difference (or times its mean over ",
        "images, where that is larger).",
        # results of 0.1.0 did not measure it
        if (!is.null(importance$cancellation)) {
          paste0(
            " The sizes of an image's scores add up to at most ", format(importance$cancellation, digits = 2),
            " times the distance of its output from the background's: bands that oppose each other make this large, ",
            "and scores of hundreds of times would cancel."
          )
        }
      ), "")
    },
    if (!is.null(importance$median_local_fit)) {
      c("### Local fit", "", paste0(
        "The local models explain half of the images with an R^2^ of at least ",
        format(importance$median_local_fit, digits = 2), "."
      ), "")
    },
    "### What the intervals cover", "",
    paste0(
      switch(interval_over(importance$table),
        "images and background" = "Which images were explained, and which background images were drawn. Not",
        repeats = "How repeats differ. Not other images, nor",
        paste0(
          "Which images were explained. Not",
          if (!is.null(importance$background)) " which background was drawn, nor"
        )
      ),
      " what another training run would learn."
    ),
    ""
  )
}

report_checks <- function(checks) {
  if (length(checks) == 0) {
    return(c(
      "### Checks", "",
      paste0(
        "No checks were made. `check_stability()` tells whether other images or another background would have given ",
        "another table; `check_deletion()` whether the bands that are ranked first matter most to the model; ",
        "`check_randomization()` whether the table depends on what the model has learnt; `check_null()` whether the ",
        "method sees that a band is ignored."
      ),
      ""
    ))
  }
  unlist(lapply(seq_along(checks), function(i) check_section(checks[[i]], i)))
}

check_section <- function(check, i) {
  question <- c(
    check_stability = "Would other images, or another background, have given another table?",
    check_deletion = "Do the bands that are ranked first matter most to the model?",
    check_randomization = "Does the table depend on what the model has learnt?",
    check_null = "Does the method see that the model ignores a band, and treat two equal bands alike?",
    check_quality = "How good are the explanations?",
    check_plausibility = "How far are images with absent bands from real ones?",
    compare_importance = "How far do results agree on which bands matter?"
  )
  head <- c(
    paste("###", sentence(check_title(check))), "",
    paste(if (check$name %in% names(question)) question[[check$name]], outcome_span(check)), ""
  )
  if (is_missing_check(check)) {
    return(c(head, paste0("The check could not be made: ", md(check$reason)), ""))
  }
  facts <- as.list(glance(check)[-(1:2)])
  facts <- facts[!vapply(facts, is.na, NA)]
  plot <- tryCatch(autoplot(check), bandlens_error_result = function(error) NULL)
  c(
    head,
    md(check$verdict),
    "",
    if (!is.null(plot)) {
      alt <- paste(c(plot$labels$title, check$verdict), collapse = ". ")
      c(figure(plot, paste0("check-", i), gsub("[.][.]", ".", gsub("\n", " ", alt))), "")
    },
    if (length(facts) > 0) settings_line(vapply(facts, format, "", digits = 3))
  )
}

settings_line <- function(settings, also = NULL) {
  settings <- paste0(names(settings), "&nbsp;=&nbsp;", md(settings), collapse = ", ")
  c("::: settings", paste0("Settings: ", settings, ".", also), ":::", "")
}

is_missing_check <- function(check) !inherits(check, "band_check")

check_title <- function(check) {
  titles <- c(
    check_stability = "stability", check_deletion = "deletion", check_randomization = "random weights",
    check_null = "null bands", check_plausibility = "plausibility", check_quality = "quality",
    compare_importance = "comparison"
  )
  if (check$name %in% names(titles)) titles[[check$name]] else md(check$name)
}

outcome_span <- function(check) {
  if (is_missing_check(check)) {
    "[not made]{.open}"
  } else if (is.na(check$passed)) {
    "[no pass or fail]{.open}"
  } else if (check$passed) {
    "[passed]{.passed}"
  } else {
    "[not passed]{.failed}"
  }
}

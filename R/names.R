# Names that were misspelt, of arguments and of their values: the nearest one that there is gets offered. The core does
# the same for what it checks, see words.py there.

# How to mend names that may be misspelt: the nearest known ones, and then what else there is to say. NULL if there is
# nothing to say.
nearest <- function(given, known, fix = NULL) {
  given <- if (is.character(given)) unique(given[!is.na(given)]) else character()
  known <- unique(as.character(known))
  found <- vapply(given, near_name, "", known = known)
  found <- found[!is.na(found)]
  if (length(found) == 0) {
    return(fix)
  }
  offers <- paste0("\"", found, "\"", if (length(given) > 1) paste0(" for \"", names(found), "\""))
  meant <- paste0("did you mean ", paste(offers, collapse = ", "), "?")
  if (is.null(fix)) meant else paste0(meant, " Else ", fix)
}

# The known name that is most like another; neither case nor "_", "-", "." and spaces matter. Numbers near each other
# have nothing to do with each other.
near_name <- function(name, known) {
  if (length(known) == 0 || grepl("^[0-9]*$", name)) {
    return(NA_character_)
  }
  plain <- function(text) gsub("[-_. ]", "", tolower(text))
  distance <- as.vector(utils::adist(plain(name), plain(known)))
  # letters that changed places are two edits, but one slip
  letters_of <- function(text) vapply(strsplit(text, ""), function(each) paste(sort(each), collapse = ""), "")
  distance <- ifelse(letters_of(plain(known)) == letters_of(plain(name)), pmin(distance, 1), distance)
  best <- which.min(distance)
  if (distance[[best]] <= max(1, 0.4 * max(nchar(plain(c(name, known[[best]])))))) known[[best]] else NA_character_
}

# Refuse arguments that a function with `...` does not have. To be called in its frame.
no_other_arguments <- function() {
  frame <- sys.parent()
  names <- rlang::names2(as.list(eval(quote(substitute(list(...))), sys.frame(frame)))[-1])
  if (length(names) == 0) {
    return(invisible())
  }
  known <- setdiff(names(formals(sys.function(frame))), "...")
  named <- names[nzchar(names)]
  if (length(named) == 0) {
    cause("option", "There are more arguments than expected.", expected = paste0("`", known, "`", collapse = ", "),
      given = paste(length(names), "without a name"), fix = "name them: later ones are not taken by position"
    )
  }
  cause("option", paste0("There is no such argument: ", paste0("`", named, "`", collapse = ", "), "."),
    expected = paste0("`", known, "`", collapse = ", "), given = some(paste0("`", named, "`")),
    fix = nearest(named, known)
  )
}

# Who hears an interrupt while R waits for Python. Before 1.37, reticulate runs R code in C++ between the two, and where
# R hears an interrupt in that, the error leaps over Python's frames: what was to be kept is lost, and Python may be
# left broken. So R lets interrupts wait while Python works, which hears them; R code that Python calls hears its own.
# Later versions wait for R to hear them, and need no help.

# Calls Python, which may hear interrupts itself. Those that came too late for it, R hears at once behind it.
with_interrupts_in_python <- function(call, heard) {
  if (!heard) {
    return(call)
  }
  answer <- suspendInterrupts(call)
  Sys.sleep(0) # looks for interrupts
  answer
}

# A function that Python calls; other arguments as they are.
hearing <- function(called) {
  if (!is.function(called) || inherits(called, "python.builtin.object")) {
    return(called)
  }
  function(...) allowInterrupts(called(...))
}

# What code of the user's gives that Python waits for; or its error, or that it was interrupted, as the bridge takes
# them. Versions of reticulate differ in what they make of those; call_bridge() has R hear an interrupt in the end.
# `...`: handlers of other conditions.
answer_to_python <- function(code, ...) {
  tryCatch(
    allowInterrupts(code),
    ...,
    error = function(error) list(error = python_message(error)),
    interrupt = function(interrupt) {
      session$interrupted <- TRUE
      list(interrupted = TRUE)
    }
  )
}

# What happens when the package is loaded. Python is not started here.

.onLoad <- function(libname, pkgname) {
  declare_python(c("numpy", "scipy"))
  keep_memory()
  register_method("shapviz", "shapviz", "band_importance", shapviz_band_importance)
}

# Have TensorFlow keep memory for the next tensors, as Python's side does where it is imported before TensorFlow, and
# says why (engine/allocation.py). In R models come first, so that it would be too late.
keep_memory <- function() {
  decided <- nzchar(Sys.getenv("TF_CPU_ALLOCATOR_USE_BFC"))
  if (Sys.info()[["sysname"]] != "Linux" || reticulate::py_available() || decided) {
    return(invisible())
  }
  Sys.setenv(TF_CPU_ALLOCATOR_USE_BFC = "true")
  if (!nzchar(Sys.getenv("TF_CPU_BFC_MEM_LIMIT_IN_MB"))) {
    Sys.setenv(TF_CPU_BFC_MEM_LIMIT_IN_MB = "1048576")
  }
}

# Register an S3 method for a generic of a package that need not be installed: now if it is loaded, else when it is.
register_method <- function(package, generic, class, method) {
  register <- function(...) {
    registerS3method(generic, class, method, envir = asNamespace(package))
  }
  if (isNamespaceLoaded(package)) {
    register()
  }
  setHook(packageEvent(package, "onLoad"), register)
}

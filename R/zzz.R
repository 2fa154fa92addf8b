# What happens when the package is loaded. Python is not started here.

.onLoad <- function(libname, pkgname) {
  declare_python(c("numpy", "scipy"))
  register_method("shapviz", "shapviz", "band_importance", shapviz_band_importance)
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

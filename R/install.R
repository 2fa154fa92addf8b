# The Python core lives in python/; the link inst/python lets R install it. A ZIP download or git on Windows breaks that
# link, and R would then install the package without its core and without a word. So the core is seen to here, in code
# that runs once, while R CMD INSTALL evaluates this file with the source folder as its working directory. (A
# configure script could do the same, but its Windows sibling needs Rtools, which most users do not have.)
# Pictures of Python are left out, as .Rinstignore says: R has its own, and an installed package should be small.

# nocov start: covered by tests/packaging, which install the package
install_core <- function(target = Sys.getenv("R_PACKAGE_DIR"), package = Sys.getenv("R_PACKAGE_NAME")) {
  has_core <- function(path) file.exists(file.path(path, "bandlens", "__init__.py"))
  core <- file.path(target, "python")
  if (package != "bandlens" || !dir.exists(target) || has_core(core)) {
    return(invisible(FALSE))
  }
  if (!has_core("python")) {
    stop(
      "These sources of bandlens lack its Python core (the folder python/bandlens).\n",
      "Install from a complete copy: a release's .tar.gz, a clone, or the ZIP download of the whole repository.",
      call. = FALSE
    )
  }
  unlink(core, recursive = TRUE)
  dir.create(core)
  copied <- file.copy("python/bandlens", core, recursive = TRUE)
  unlink(Sys.glob(file.path(core, "bandlens", "plots", "*.py")))
  invisible(copied)
}

install_core()
# nocov end

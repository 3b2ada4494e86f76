## The package: a namespace of its own, in which the functions are, and what they have in common.
ns <- new.env(parent = new.env(parent = .BaseNamespaceEnv))
ns$host <- host

## Evaluates an expression in the namespace.
define <- function(expr) eval(substitute(expr), ns)

define({
  ## A scratch file, gone when the calling function is done.
  .scratch <- function(frame = parent.frame()) {
    path <- tempfile("mrsdeploy")
    do.call(on.exit, list(bquote(unlink(.(path))), add = TRUE), envir = frame)
    path
  }

  .needtext <- function(x, what) {
    if (!is.character(x) || length(x) != 1L || is.na(x) || !nzchar(x))
      stop("'", what, "' must be a text", call. = FALSE)
    x
  }
})

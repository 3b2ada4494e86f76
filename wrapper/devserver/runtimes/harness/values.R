## What crosses the pipe is plain: vectors without attributes, matrices with dim, lists with names, data frames.
plain <- function(x) {
  if (is.null(x)) return(NULL)
  if (is.function(x) || is.environment(x) || is.language(x) || isS4(x) ||
      !(is.atomic(x) || is.list(x) || is.pairlist(x)))
    stop(structure(class = c("noform", "error", "condition"), list(message = class(x)[1L], call = NULL)))
  if (is.data.frame(x))
    return(structure(lapply(unclass(x), plain), names = names(x), class = "data.frame"))
  if (is.object(x)) {
    dims <- dim(x)
    if (is.factor(x)) x <- as.character(x)
    else if (inherits(x, "Date")) x <- ifelse(is.na(x), NA_character_, format(x))
    else if (inherits(x, "POSIXt"))
      x <- ifelse(is.na(x), NA_character_, format(x, "%Y-%m-%dT%H:%M:%OS3Z", tz = "UTC"))
    else x <- unclass(x)
    if (is.atomic(x) && length(dims) == 2L) dim(x) <- dims
  }
  if (is.list(x) || is.pairlist(x)) return(lapply(as.list(x), plain))
  if (is.complex(x)) x[] <- as.character(x)
  if (is.character(x)) x[] <- enc2utf8(x)
  d <- dim(x)
  attributes(x) <- if (length(d) == 2L) list(dim = d)
  x
}

## A value for the reply, or why there is none.
outvalue <- function(name, env) {
  if (exists(name, envir = env, inherits = FALSE)) x <- get(name, envir = env, inherits = FALSE)
  else if (exists(name, envir = g, inherits = FALSE)) x <- get(name, envir = g, inherits = FALSE)
  else return(list(problem = "the code did not assign it"))
  tryCatch(list(value = plain(x)),
    noform = function(e) {
      outer <- class(x)[1L]; inner <- conditionMessage(e)
      list(problem = paste0("an object of class \"", outer, "\" has no form in JSON",
        if (inner != outer) paste0(" (it holds one of class \"", inner, "\")")))
    },
    error = function(e) list(problem = conditionMessage(e)))
}

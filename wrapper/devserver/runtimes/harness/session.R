## What a session has on its search path: R keeps .Last.value and last.warning in base, which is locked here.
g <- globalenv()
shim <- attach(NULL, name = "mlserver:session")
shim$warnings <- function(...) {
  if (is.null(shim$last.warning)) return(invisible(NULL))
  structure(shim$last.warning, class = "warnings")
}
environment(shim$warnings) <- list2env(list(shim = shim), parent = baseenv())

home <- getwd()
pager <- function(files, ...) for (f in files) writeLines(readLines(f))
Sys.setenv(LANGUAGE = "en") # messages are recognised by their English text

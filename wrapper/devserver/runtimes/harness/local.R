## The user's own R: nothing is masked, plots go where R sends them, and code can ask the program that the worker belongs
## to.
closedevices <- function() NULL
options(pager = pager)

## Asks, and returns the answer, a named list. What it asks with must have a form in JSON. The pipes are no place for an
## interrupt: it comes after the answer.
host <- function(.function, ...) {
  if (Sys.getpid() != pid) stop("not in a child process: it cannot ask the program that R belongs to", call. = FALSE)
  if (is.null(asking)) stop("not outside of an execution", call. = FALSE)
  args <- tryCatch(lapply(list(...), plain), noform = function(e)
    stop("a value of class \"", conditionMessage(e), "\" has no form in JSON", call. = FALSE))
  a <- suspendInterrupts({
    mark(asking$mark)
    reply(asking$id, call = .function, args = args)
    receive()
  })
  switch(a$op,
    answer = a$inputs,
    interrupt = stop(structure(class = c("interrupt", "condition"), list())),
    stop(a$code, call. = FALSE))
}

shim$q <- shim$quit <- function(save = "default", status = 0, runLast = TRUE)
  leave(status)
leave <- function(status) stop(structure(class = c("mlsleave", "condition"), list(status = as.integer(status))))
environment(shim$q) <- environment(shim$quit) <- list2env(list(leave = leave), parent = baseenv())

## Questions that R code puts to the user, packages' own too.
local({
  ask <- function(prompt = "") {
    prompt <- paste(as.character(prompt), collapse = "")
    if (is.null(asking)) "" else host("readline", prompt = prompt)$line
  }
  base <- baseenv()
  unlockBinding("readline", base)
  assign("readline", ask, envir = base)
  lockBinding("readline", base)
})

## What the name at the end of a line can become.
complete <- function(line) {
  ns <- asNamespace("utils")
  ns$.assignLinebuffer(line)
  ns$.assignEnd(nchar(line))
  ns$.guessTokenFromLine()
  ns$.completeToken()
  ns$.retrieveCompletions()
}

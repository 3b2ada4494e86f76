## R has no other sign of unfinished code than the parser's message.
incomplete <- function(msg)
  grepl("unexpected end of input|unexpected INCOMPLETE_STRING|malformed raw string literal", msg)

parsecode <- function(code) tryCatch(
  list(exprs = parse(text = code, keep.source = TRUE, encoding = "UTF-8")),
  error = function(e) list(error = conditionMessage(e)))

parsed <- list(code = NULL) # a service runs the same code again and again

## Runs expressions as the top level does: nothing if the text does not parse; visible values are printed.
execute <- function(code, env, cancelled) {
  if (!identical(code, parsed$code)) parsed <<- c(list(code = code), parsecode(code))
  if (!is.null(parsed$error)) {
    text <- paste0("Error: ", parsed$error)
    cat(text, "\n", sep = "", file = stderr())
    kind <- if (incomplete(parsed$error)) "incomplete" else "syntax"
    parsed <<- list(code = NULL)
    return(list(kind, text))
  }
  kind <- text <- ""
  status <- NULL
  warned <<- list()
  .env <- env
  run <- function() for (.expr in parsed$exprs) {
    v <- withVisible(eval(.expr, .env))
    if (v$visible) show1(v$value, env)
    shim$.Last.value <- v$value
    printwarnings()
    if (file.exists(cancelled)) stop(structure(class = c("interrupt", "condition"), list()))
  }
  ## Calling handlers print before the stack unwinds, so before what on.exit() prints.
  failed <- function(e) {
    text <<- errortext(e)
    kind <<- "error"
    cat(text, "\n", sep = "", file = stderr())
    printwarnings(TRUE)
  }
  tryCatch(
    withCallingHandlers(allowInterrupts(run()), warning = warn, error = failed),
    error = function(e) if (kind == "") failed(e),
    interrupt = function(e) {
      kind <<- "interrupt"
      text <<- "interrupted"
      cat("\n", file = stderr())
      printwarnings()
    },
    mlsleave = function(e) { # from q() of the user's own R
      kind <<- "exit"
      status <<- as.character(e$status)
    })
  list(kind, text, status)
}

## Methods of print are looked up from env, where the user's are.
show1 <- function(x, env) {
  if (isS4(x)) return(methods::show(x))
  if (!is.object(x) && !is.function(x)) return(print.default(x))
  e <- new.env(parent = env)
  e$x <- x
  e$print <- print
  eval(quote(print(x)), e)
}

## A call sees workspace, options and directory as they were for the first, and leaves them so. Options that it adds stay: they
## may be a package's, which adds them only once.
keep <- function() list(objects = as.list.environment(g, all.names = TRUE), options = as.list(.Options), dir = getwd())
restore <- function(kept) {
  if (!identical(getwd(), kept$dir)) tryCatch(setwd(kept$dir), error = function(e) NULL) # it may be gone
  now <- as.list(.Options) # much faster than options()
  if (!identical(now, kept$options)) {
    same <- vapply(names(kept$options), function(n) identical(now[[n]], kept$options[[n]]), NA)
    options(kept$options[!same])
  }
  kept <- kept$objects
  now <- ls(g, all.names = TRUE, sorted = FALSE)
  extra <- now[!(now %in% names(kept))]
  if (length(extra)) rm(list = extra, envir = g)
  for (name in names(kept))
    if (!(name %in% now && bindingIsLocked(name, g))) assign(name, kept[[name]], envir = g)
}

asking <- NULL # the execution that runs, which may ask the program: see host()

perform <- function(q) {
  ## A SIGINT that came too late for the last execution is dropped here.
  tryCatch(allowInterrupts(for (i in 1:3) NULL), interrupt = function(e) NULL)
  env <- g
  if (q$fresh) {
    env <- new.env(parent = g)
    kept <- keep()
  }
  for (i in seq_along(q$inputs)) assign(names(q$inputs)[i], q$inputs[[i]], envir = env)
  asking <<- q
  r <- execute(q$code, env, q$cancelled)
  asking <<- NULL
  tryCatch(closedevices(), error = function(e) cat("plot: ", conditionMessage(e), "\n", sep = "", file = stderr()))
  outputs <- if (r[[1L]] == "") lapply(q$outputs, outvalue, env)
  if (q$fresh) restore(kept)
  if (Sys.getpid() != pid) quit(save = "no", runLast = FALSE) # a fork of the user's code
  mark(q$mark)
  reply(q$id, kind = r[[1L]], error = r[[2L]], status = if (length(r) > 2L) r[[3L]], outputs = outputs)
}

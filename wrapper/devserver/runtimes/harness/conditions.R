## Console text of errors and warnings, as R's own top level writes it (errors.c). That code runs only when nothing
## handles the condition, so its wording is repeated here.

## The calls of the harness itself, which R's top level does not have.
selfcall <- function(call) is.null(call) || is.call(call) &&
  (identical(call, quote(eval(.expr, .env))) || identical(call, quote(withVisible(eval(.expr, .env)))))

message1 <- function(cond) {
  m <- tryCatch(conditionMessage(cond), error = function(e) "")
  if (is.character(m) && length(m)) m[1L] else ""
}

## The text goes to a new line when call and message are wider than 75 columns.
toowide <- function(call, msg, extra) {
  first <- strsplit(msg, "\n", fixed = TRUE)[[1L]][1L]
  w <- extra + nchar(call, "w") + nchar(if (is.na(first)) "" else first, "w")
  isTRUE(w > 75L)
}

errortext <- function(cond) {
  msg <- message1(cond)
  call <- tryCatch(conditionCall(cond), error = function(e) NULL)
  if (selfcall(call)) return(paste0("Error: ", msg))
  dc <- deparse(call, nlines = 1L)[1L]
  paste0("Error in ", dc, " : ", if (toowide(dc, msg, 14L)) "\n  ", msg)
}

## Warnings wait until the expression is done (options(warn = 0)).
warned <- list()
warn <- function(w) {
  level <- getOption("warn")
  if (!is.numeric(level) || length(level) != 1L || is.na(level)) level <- 0
  if (level == 0) {
    if (length(warned) < 50L) warned[[length(warned) + 1L]] <<- w
    invokeRestart("muffleWarning")
  }
  if (level == 1 && selfcall(conditionCall(w))) {
    cat("Warning: ", message1(w), "\n", sep = "", file = stderr())
    invokeRestart("muffleWarning")
  }
}

printwarnings <- function(after.error = FALSE) {
  if (!length(warned)) return(invisible())
  w <- warned
  warned <<- list()
  calls <- lapply(w, function(x) if (!selfcall(conditionCall(x))) conditionCall(x))
  msgs <- vapply(w, message1, "")
  shim$last.warning <- structure(calls, names = msgs)
  one <- function(i) {
    if (is.null(calls[[i]])) return(paste0(msgs[[i]], " \n"))
    dc <- deparse(calls[[i]], nlines = 1L)[1L]
    paste0("In ", dc, " :", if (toowide(dc, msgs[[i]], 6L)) "\n  " else " ", msgs[[i]], "\n")
  }
  n <- length(w)
  cat(if (after.error) "In addition: ",
    if (n == 1L) c("Warning message:\n", one(1L))
    else if (n <= 10L) c("Warning messages:\n", paste0(seq_len(n), ": ", vapply(seq_len(n), one, "")))
    else if (n < 50L) c("There were ", n, " warnings (use warnings() to see them)\n")
    else "There were 50 or more warnings (use warnings() to see the first 50)\n",
    sep = "", file = stderr())
}

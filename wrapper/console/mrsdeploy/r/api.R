## The API object of a service and the responses of its calls. They are environments: api$consume(...) is called as a method.
define({
  .camel <- function(name) {
    parts <- strsplit(name, "[^A-Za-z0-9]+")[[1L]]
    parts <- parts[nzchar(parts)]
    paste(paste0(toupper(substring(parts, 1L, 1L)), substring(parts, 2L)), collapse = "")
  }

  .api <- function(a) {
    s <- a$service
    name <- s$name
    v <- s$version
    inputs <- vapply(s$inputParameterDefinitions, `[[`, "", "name")
    api <- new.env(parent = emptyenv())
    api$consume <- .consumer(name, v, inputs)
    alias <- s$operationId
    if (length(alias) && nzchar(alias) && !alias %in% c("consume", "ConsumeWebService")) assign(alias, api$consume, envir = api)
    api$capabilities <- function() c(s, list(
      inputs = .types(s$inputParameterDefinitions), outputs = .types(s$outputParameterDefinitions),
      swagger = paste0(a$address, "/api/", utils::URLencode(name, TRUE), "/", utils::URLencode(v, TRUE), "/swagger.json")))
    api$swagger <- function(json = TRUE) {
      doc <- host("swagger", name = name, v = v)
      if (isTRUE(json)) doc$text else doc$parsed
    }
    api$batch <- function(inputs, parallelCount = 10) .batch(name, v, NULL, inputs, parallelCount)
    api$getBatch <- function(id) .batch(name, v, .needtext(id, "id"))
    api$getBatchExecutions <- function() host("listBatches", name = name, v = v)$ids
    api$print <- function() .printapi(api$capabilities(), alias, paste(inputs, collapse = ", "))
    structure(api, class = c(paste0(.camel(name), "Api"), "mrsdeployApi"))
  }

  ## A function with the inputs as its arguments. What is left out, or wrong, is told by the check against the definition.
  .consumer <- function(name, v, inputs) {
    call <- function(frame) {
      given <- inputs[!vapply(inputs, function(i) eval(bquote(missing(.(as.name(i)))), frame), NA)]
      .response(host("consume", name = name, v = v, inputs = mget(given, envir = frame)))
    }
    f <- function() NULL
    formals(f) <- structure(rep(alist(x = ), length(inputs)), names = inputs)
    body(f) <- as.call(list(call, quote(environment())))
    f
  }

  .printapi <- function(s, alias, args) {
    types <- function(list) for (n in names(list)) cat("  ", n, ": ", list[[n]], "\n", sep = "")
    cat("<", .camel(s$name), "Api>\n",
      "name: ", s$name, "\n",
      "description: ", s$description, "\n",
      "version: ", s$version, "\n",
      "date: ", s$creationTime, "\n",
      "snapshotId: ", s$snapshotId, "\n",
      "inputs:\n", sep = "")
    types(s$inputs)
    cat("outputs:\n")
    types(s$outputs)
    cat("operationId: ", alias, "\nswagger: ", s$swagger, "\npublic-functions:\n  consume: consume(", args, ")\n", sep = "")
    if (!alias %in% c("", "consume", "ConsumeWebService")) cat("  ", alias, ": ", alias, "(", args, ")\n", sep = "")
    cat("  capabilities: capabilities()\n  print: print()\n  swagger: swagger(json = TRUE)\n",
      "  batch: batch(inputs, parallelCount = 10)\n  getBatch: getBatch(id)\n  getBatchExecutions: getBatchExecutions()\n", sep = "")
  }

  print.mrsdeployApi <- function(x, ...) {
    x$print()
    invisible(x)
  }

  ## What a call came to. The output of code that failed is its error.
  .response <- function(r) {
    response <- list2env(r, parent = emptyenv())
    response$output <- function(name) {
      if (!isTRUE(r$success)) stop(r$errorMessage, call. = FALSE)
      if (!name %in% names(r$outputParameters))
        stop("there is no output '", name, "' but ", paste(sQuote(names(r$outputParameters), FALSE), collapse = ", "), call. = FALSE)
      r$outputParameters[[name]]
    }
    response$artifact <- function(name) r$artifacts[[name]]
    structure(response, class = "mrsdeployResponse")
  }

  print.mrsdeployResponse <- function(x, ...) {
    cat("<Response>\nsuccess: ", x$success, "\nerrorMessage: ", x$errorMessage, "\nconsoleOutput: ", x$consoleOutput, "\n", sep = "")
    if (length(x$artifacts)) cat("artifacts: ", paste(names(x$artifacts), collapse = ", "), "\n", sep = "")
    cat("outputParameters:\n")
    print(x$outputParameters)
    invisible(x)
  }
})

## Batches: many calls of a service in the background. Rows are counted from 1.
define({
  .batch <- function(name, v, id, inputs = NULL, parallelCount = 10) {
    if (is.null(id) && !is.data.frame(inputs) && !is.list(inputs)) stop("'inputs' must be a data.frame", call. = FALSE)
    started <- function() {
      if (is.null(id)) stop("the batch is not started: use start()", call. = FALSE)
      id
    }
    batch <- new.env(parent = emptyenv())
    batch$STATE <- list(pending = "Pending", ready = "Ready", inProgress = "InProgress", complete = "Complete", failed = "Failed")
    batch$start <- function() {
      if (!is.null(id)) stop("the batch is started already", call. = FALSE)
      id <<- host("startBatch", name = name, v = v, records = inputs, parallelCount = parallelCount)$id
      batch
    }
    batch$id <- function() id
    batch$cancel <- function() {
      host("cancelBatch", name = name, v = v, id = started())
      batch
    }
    batch$results <- function(showPartialResults = TRUE) {
      r <- host("batchResults", name = name, v = v, id = started(), partial = isTRUE(showPartialResults))
      executions <- r$executions
      r$executions <- NULL
      r$execution <- function(index) {
        if (!is.numeric(index) || length(index) != 1L || !index %in% seq_along(executions))
          stop("there is no row ", index, ": they are counted from 1 to ", length(executions), call. = FALSE)
        if (length(executions[[index]])) .response(executions[[index]])
      }
      structure(list2env(r, parent = emptyenv()), class = "mrsdeployBatchResults")
    }
    batch$listArtifacts <- function(index) host("batchFiles", name = name, v = v, id = started(), row = .row(index))$names
    batch$artifact <- function(index, fileName) {
      if (!fileName %in% batch$listArtifacts(index)) return(NULL)
      host("batchFile", name = name, v = v, id = started(), row = .row(index), file = fileName)$content
    }
    batch$download <- function(index, fileName, dest = getwd()) {
      if (!dir.exists(dest)) stop("folder '", dest, "' not found", call. = FALSE)
      dest <- normalizePath(dest)
      if (missing(fileName)) return(host("downloadBatch", name = name, v = v, id = started(), row = .row(index), dir = dest)$paths)
      content <- batch$artifact(index, fileName)
      if (is.null(content)) stop("row ", index, " has no file '", fileName, "'", call. = FALSE)
      path <- file.path(dest, basename(fileName))
      writeBin(content, path)
      path
    }
    structure(batch, class = "mrsdeployBatch")
  }

  .row <- function(index) {
    if (!is.numeric(index) || length(index) != 1L || is.na(index) || index < 1)
      stop("the index of a row is a number from 1 on", call. = FALSE)
    index - 1
  }

  print.mrsdeployBatch <- function(x, ...) {
    cat("<Batch>\nid: ", if (is.null(x$id())) "not started" else x$id(),
      "\npublic-functions:\n  start()\n  id()\n  results(showPartialResults = TRUE)\n  cancel()\n  listArtifacts(index)\n",
      "  artifact(index, fileName)\n  download(index, fileName, dest)\n", sep = "")
    invisible(x)
  }

  print.mrsdeployBatchResults <- function(x, ...) {
    cat("<BatchResult>\nstate: ", x$state, "\ncompletedItemCount: ", x$completedItemCount, "\ntotalItemCount: ", x$totalItemCount,
      "\npublic-functions:\n  execution(index)\n", sep = "")
    invisible(x)
  }
})

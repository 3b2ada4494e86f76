## Scores a realtime service's model, which is there as "model".

## The package whose S3 method for a class is the one that predicts, among those that are installed.
.mls_provider <- function(class) {
  for (p in .packages(all.available = TRUE)) {
    m <- tryCatch(readRDS(system.file("Meta", "nsInfo.rds", package = p))$S3methods, error = function(e) NULL)
    if (length(m) && any(m[, 1L] == "predict" & m[, 2L] == class)) return(p)
  }
}

## What an S4 model is, all that its class inherits from included, once the package with the class is there.
.mls_home <- attr(class(model), "package")
if (is.null(.mls_home) || identical(.mls_home, ".GlobalEnv")) .mls_home <- ""
if (nzchar(.mls_home)) suppressPackageStartupMessages(requireNamespace(.mls_home, quietly = TRUE))
.mls_classes <- if (isS4(model) && methods::isClass(class(model))) methods::is(model) else class(model)

## The S4 generic that predicts, if the model's class has a method for one.
.mls_generic <- if (isS4(model)) tryCatch(local({
  where <- if (nzchar(.mls_home)) asNamespace(.mls_home) else globalenv()
  stopifnot(methods::hasMethod("predict", class(model), where = where))
  methods::getGeneric("predict", where = where)
}), error = function(e) NULL)

.mls_predicts <- function() {
  if (!is.null(.mls_generic)) return(TRUE)
  for (class in .mls_classes) if (!is.null(utils::getS3method("predict", class, optional = TRUE))) return(TRUE)
  FALSE
}

## A model does not always bring its package along.
if (!.mls_predicts()) for (.mls_class in .mls_classes) {
  .mls_package <- .mls_provider(.mls_class)
  if (!is.null(.mls_package)) suppressPackageStartupMessages(requireNamespace(.mls_package, quietly = TRUE))
}
if (!.mls_predicts()) stop("an object of class ", paste0('"', class(model), '"', collapse = ", "), " has no predict method in this R",
  if (isS4(model) && !methods::isClass(class(model)))
    ": its class is not there, save it together with the model, as save.image does", call. = FALSE)

## The response's name with _Pred, as RevoScaleR names its predictions; without a formula just Pred.
.mls_name <- tryCatch(local({
  f <- stats::formula(model)
  stopifnot(length(f) == 3L)
  paste0(paste(deparse(f[[2L]]), collapse = ""), "_Pred")
}), error = function(e) "Pred")

.mls_score <- function(data) {
  if (nrow(data) == 0L) return(stats::setNames(data.frame(numeric()), .mls_name)) # columns without values have no type
  ## Probabilities rather than their logits, as rxPredict gives.
  p <- if (inherits(model, "glm")) stats::predict(model, data, type = "response")
    else if (!is.null(.mls_generic)) .mls_generic(model, data)
    else stats::predict(model, data)
  if (is.list(p)) return(as.data.frame(p, stringsAsFactors = FALSE))
  ## predict takes what the data lack from wherever it finds them.
  if (NROW(p) != nrow(data)) stop("the model gave ", NROW(p), " predictions for ", nrow(data), " rows", call. = FALSE)
  if (length(dim(p)) == 2L) {
    names <- if (is.null(colnames(p))) paste(.mls_name, seq_len(ncol(p)), sep = ".") else colnames(p)
    return(stats::setNames(as.data.frame(unclass(p), row.names = seq_len(nrow(p)), stringsAsFactors = FALSE), names))
  }
  stats::setNames(data.frame(as.vector(p), stringsAsFactors = FALSE), .mls_name)
}

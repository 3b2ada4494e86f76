## Publishing and managing web services.
define({
  .option <- new.env()

  ## Options of services: base_dir (data-dir in articles) is where relative names of code and model files begin.
  serviceOption <- function() list(
    set = function(name, value) assign(.optionname(name), value, envir = .option),
    get = function(name) if (missing(name)) as.list(.option) else get0(.optionname(name), .option, inherits = FALSE))

  .optionname <- function(name) if (identical(name, "data-dir")) "base_dir" else name

  ## The path of a code or model file.
  .based <- function(file) {
    if (grepl("^(/|~|[A-Za-z]:)", file)) return(path.expand(file))
    base <- get0("base_dir", .option, inherits = FALSE)
    if (identical(base, "")) stop("'", file, "' must be a full path: serviceOption() says so", call. = FALSE)
    file.path(if (is.null(base)) getwd() else base, file)
  }

  serviceTypes <- function() c("Script", "Realtime")

  getValidatedServiceType <- function(type) {
    if (length(type) > 1L) type <- type[1L]
    found <- match(tolower(.needtext(type, "serviceType")), tolower(serviceTypes()))
    if (is.na(found)) stop("'serviceType' is one of \"Script\" and \"Realtime\", not \"", type, "\"", call. = FALSE)
    serviceTypes()[found]
  }

  encodings <- function() c("logical", "numeric", "integer", "character", "vector", "matrix", "data.frame")
  is.encoding <- function(type) is.character(type) && length(type) == 1L && type %in% encodings()
  is.encodings <- function(types = c()) all(vapply(types, is.encoding, NA))

  publishService <- function(name, code, model = NULL, snapshot = NULL, inputs = list(), outputs = list(), artifacts = c(),
                             v = character(0), alias = NULL, destination = NULL, descr = NULL,
                             serviceType = c("Script", "Realtime")) {
    codename <- if (!missing(code)) substitute(code)
    modelname <- substitute(model)
    if (missing(code)) code <- NULL
    s <- .service(name, v, code, codename, model, modelname, snapshot, inputs, outputs, artifacts, alias, descr, serviceType)
    if (is.null(s$realtime) && is.null(s$code)) stop("'code' is needed: a function, R code or an .R file", call. = FALSE)
    if (!is.null(s$realtime) && !length(s$objects)) stop("a realtime service needs a 'model'", call. = FALSE)
    on.exit(unlink(as.character(s$objects)))
    .destined(.api(do.call(host, c("publish", s))), destination)
  }

  updateService <- function(name, v, code = NULL, model = NULL, snapshot = NULL, inputs = NULL, outputs = NULL,
                            artifacts = c(), alias = NULL, destination = NULL, descr = NULL,
                            serviceType = c("Script", "Realtime")) {
    if (is.function(code) && (is.null(inputs) || is.null(outputs))) { # the call needs their names
      old <- host("getService", name = .needtext(name, "name"), v = .needtext(v, "v"))$service
      if (is.null(inputs)) inputs <- .types(old$inputParameterDefinitions)
      if (is.null(outputs)) outputs <- .types(old$outputParameterDefinitions)
    }
    s <- .service(name, v, code, substitute(code), model, substitute(model), snapshot, inputs, outputs, artifacts, alias,
      descr, serviceType)
    on.exit(unlink(as.character(s$objects)))
    .destined(.api(do.call(host, c("update", s))), destination)
  }

  ## The arguments for the program. Objects are in files, by name.
  .service <- function(name, v, code, codename, model, modelname, snapshot, inputs, outputs, artifacts, alias, descr, type) {
    .needtext(name, "name")
    if (length(v)) .needtext(v, "v")
    if (!is.null(snapshot)) snapshot <- .snapshot(snapshot)
    realtime <- getValidatedServiceType(type) == "Realtime"
    if (realtime) {
      if (!is.null(code) || !is.null(snapshot) || length(inputs) || length(outputs))
        stop("a realtime service has a 'model' and no 'code', 'snapshot', 'inputs' or 'outputs'", call. = FALSE)
      return(list(name = name, v = if (length(v)) v, alias = alias, descr = descr, realtime = TRUE,
        objects = if (!is.null(model)) list(model = .realtime(model))))
    }
    if (is.function(code) && is.null(alias) && is.name(codename)) alias <- as.character(codename)
    list(name = name, v = if (length(v)) v, code = .stored(code, names(inputs), names(outputs)), snapshot = snapshot,
      inputs = .declared(inputs, "inputs"), outputs = .declared(outputs, "outputs"),
      artifacts = if (length(artifacts)) as.character(artifacts), alias = alias, descr = descr,
      objects = .models(model, modelname))
  }

  .types <- function(definitions) structure(lapply(definitions, `[[`, "type"), names = vapply(definitions, `[[`, "", "name"))

  .declared <- function(types, what) {
    if (is.null(types)) return(NULL)
    types <- as.list(types)
    if (length(types) && (is.null(names(types)) || any(names(types) == "")))
      stop("'", what, "' must be a named list of types, such as list(x = \"numeric\")", call. = FALSE)
    types
  }

  ## The code as it is stored: a function is called with the inputs, in their order, and gives the one output.
  .stored <- function(code, inputs, outputs) {
    if (is.null(code)) return(NULL)
    if (is.function(code)) {
      if (is.primitive(code)) stop("'code' must be a function written in R, not a primitive", call. = FALSE)
      if (length(outputs) > 1L) stop("a function has one output, not ", length(outputs), call. = FALSE)
      call <- paste0("(", .deparsed(code), ")(", paste(.quoted(inputs), collapse = ", "), ")")
      return(if (length(outputs)) paste(.quoted(outputs), "<-", call) else call)
    }
    if (!is.character(code) || anyNA(code)) stop("'code' must be a function, R code or an .R file", call. = FALSE)
    if (length(code) > 1L) return(paste(code, collapse = "\n"))
    if (!grepl("\n", code) && grepl("[.][Rr]$", code)) {
      file <- .based(code)
      if (!file.exists(file)) stop("code file '", code, "' not found", call. = FALSE)
      code <- paste(readLines(file, warn = FALSE, encoding = "UTF-8"), collapse = "\n")
    }
    code
  }

  .quoted <- function(names) vapply(names, function(n) deparse(as.name(n), backtick = TRUE), "")

  ## Numbers must not lose digits.
  .deparsed <- function(f) {
    environment(f) <- globalenv()
    text <- paste(deparse(f, width.cutoff = 60L), collapse = "\n")
    same <- tryCatch(identical(body(eval(parse(text = text, keep.source = FALSE)[[1L]])), .nosource(body(f))), error = function(e) FALSE)
    if (same) text else paste(deparse(f, width.cutoff = 60L,
      control = c("keepNA", "keepInteger", "niceNames", "showAttributes", "digits17")), collapse = "\n")
  }

  .nosource <- function(x) body(utils::removeSource(as.function(c(alist(), x))))

  ## Objects that the code works on: a model under its own name, or those of an .RData or .R file.
  .models <- function(model, name) {
    if (is.null(model)) return(NULL)
    objects <- if (is.character(model) && length(model) == 1L && grepl("[.](RData|rda|R)$", model, ignore.case = TRUE)) {
      file <- .based(model)
      if (!file.exists(file)) stop("model file '", model, "' not found", call. = FALSE)
      e <- new.env(parent = globalenv())
      if (grepl("[.]R$", file, ignore.case = TRUE)) sys.source(file, envir = e, chdir = TRUE) else load(file, envir = e)
      as.list(e, all.names = TRUE)
    } else structure(list(model), names = if (is.name(name)) as.character(name) else "model")
    lapply(objects, function(o) {
      path <- tempfile("mrsdeploy")
      .write(o, path)
      path
    })
  }

  ## A model for realtime scoring: what RevoScaleR makes of it where there is one, else what saveRDS writes, which the
  ## development server scores. Bytes are sent as they are.
  .realtime <- function(model) {
    path <- tempfile("mrsdeploy")
    if (is.raw(model)) writeBin(model, path)
    else if (requireNamespace("RevoScaleR", quietly = TRUE))
      writeBin(getExportedValue("RevoScaleR", "rxSerializeModel")(model, realtimeScoringOnly = TRUE), path)
    else saveRDS(model, path, version = 2L)
    path
  }

  ## The service's API document goes where the caller wants it.
  .destined <- function(api, destination) {
    if (is.null(destination)) return(api)
    dir.create(destination, showWarnings = FALSE, recursive = TRUE)
    writeLines(api$swagger(), file.path(destination, "swagger.json"))
    api
  }

  getService <- function(name, v = character(0), destination = NULL) {
    a <- host("getService", name = .needtext(name, "name"), v = if (length(v)) .needtext(v, "v"))
    .destined(.api(a), destination)
  }

  listServices <- function(name = character(0), v = character(0))
    structure(host("listServices", name = if (length(name)) .needtext(name, "name"), v = if (length(v)) .needtext(v, "v"))$services,
      class = "serviceDetails")

  deleteService <- function(name, v) {
    host("deleteService", name = .needtext(name, "name"), v = .needtext(v, "v"))
    paste0("Service ", name, " version ", v, " deleted.")
  }

  print.serviceDetails <- function(o, description = TRUE, code = TRUE, ...) {
    print(lapply(unclass(o), function(s) {
      if (!isTRUE(description)) s["description"] <- NULL
      if (!isTRUE(code)) s["code"] <- NULL
      s
    }))
    invisible(o)
  }

  summary.serviceDetails <- function(o, ...)
    .table(o, c(name = "name", version = "version", publishedBy = "versionPublishedBy", runtime = "runtimeType", creationTime = "creationTime"))

  configureServicePool <- function(name, version, initialPoolSize = 0, maxPoolSize = 0) {
    host("setPool", name = .needtext(name, "name"), v = .needtext(version, "version"), initial = initialPoolSize, most = maxPoolSize)
    200L
  }

  getPoolStatus <- function(name, version) host("poolStatus", name = .needtext(name, "name"), v = .needtext(version, "version"))$nodes

  deleteServicePool <- function(name, version) {
    host("deletePool", name = .needtext(name, "name"), v = .needtext(version, "version"))
    200L
  }
})

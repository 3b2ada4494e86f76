## Registers the namespace, for mrsdeploy:: and requireNamespace, and attaches what it exports, so that library(mrsdeploy)
## finds it there.
local({
  exports <- grep("^[^.]", setdiff(ls(ns), "host"), value = TRUE)
  info <- new.env(parent = baseenv())
  ns$.__NAMESPACE__. <- info
  ns$.packageName <- "mrsdeploy"
  ns$.__S3MethodsTable__. <- new.env(parent = baseenv())
  info$spec <- c(name = "mrsdeploy", version = "1.1.3")
  info$exports <- list2env(structure(as.list(exports), names = exports), parent = baseenv())
  info$imports <- list(base = TRUE)
  info$path <- file.path(tempdir(), "mrsdeploy") # for packageVersion() and sessionInfo()
  dir.create(info$path)
  write.dcf(list(Package = "mrsdeploy", Version = info$spec[["version"]], Title = "mrsdeploy's functions, by mls",
    Built = paste0("R ", getRversion(), "; ; ", format(Sys.time(), "%Y-%m-%d %H:%M:%S UTC", tz = "UTC"), "; unix")),
    file.path(info$path, "DESCRIPTION"))
  info$dynlibs <- NULL
  info$S3methods <- matrix(NA_character_, 0L, 4L)
  .Internal(registerNamespace("mrsdeploy", ns))
  for (method in grep("^(print|summary)[.]", ls(ns, all.names = TRUE), value = TRUE)) {
    parts <- regmatches(method, regexpr(".", method, fixed = TRUE), invert = TRUE)[[1L]]
    registerS3method(parts[1L], parts[2L], ns[[method]], envir = ns)
  }
  package <- attach(NULL, name = "package:mrsdeploy")
  attr(package, "path") <- info$path
  for (name in exports) assign(name, ns[[name]], envir = package)
})

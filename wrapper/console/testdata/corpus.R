1 + 1
#%%
x <- c(1.5, 2.25, NA, Inf, -Inf, NaN)
x
#%%
seq(0, 1, length.out = 23)
#%%
100000; 123456.7; 1e5; 1e-5; 1e15; 1e16; 0.1 + 0.2; 1/3
#%%
print(pi, digits = 10); format(pi, nsmall = 2); round(-1.5); signif(123456, 2)
#%%
c(TRUE, NA, FALSE)
#%%
NULL; list(); character(0); integer(0); data.frame(); factor(character(0)); matrix(nrow = 0, ncol = 3)
#%%
c(first = 1L, second = 22L, `a name` = 333L)
#%%
state.name
#%%
setNames(1:26, letters)
#%%
.Machine$integer.max + 1L
#%%
as.integer("3.7"); as.integer("x"); as.numeric("1e-3")
#%%
5 %/% 2; -5 %/% 2; -5 %% 3; 5L / 2L; 2^10; 7.5 %% 2
#%%
complex(real = 1.5, imaginary = -2); sqrt(as.complex(-1)); Mod(3+4i)
#%%
as.raw(c(0, 15, 255)); rev(as.raw(1:3)); bitwAnd(12L, 10L)
#%%
"a\tb\n\"quoted\" \\ 'single'"
cat("a\tb\n\"quoted\"\n")
#%%
'é'; "日本語"; "\u00fc\u0308"; "😀"; nchar("😀"); toupper("straße")
#%%
data.frame(stadt = c("Köln", "東京", "São Paulo"), n = c(1, 22, 333))
#%%
c("é", "日本", NA, "x"); noquote(c("a", "b")); sQuote("x", FALSE); dQuote("y", FALSE)
#%%
format(c("a", "日本", "ccc")); formatC(3.14159, width = 12, digits = 3, format = "f"); sprintf("%5s|%-8s|%05d|%e", "é", "ab", 42L, 12345.678)
#%%
"\u200b"; "\x01"; "a\u00a0b"
#%%
mtcars
#%%
head(cbind(mtcars, mtcars, mtcars), 3)
#%%
iris[c(1, 51, 101), ]
#%%
summary(iris)
#%%
str(mtcars); str(list(a = 1, b = "x", c = list(d = 1:3, e = NULL)))
#%%
data.frame(x = c(1.123456789, 22.1, 333), s = I(list(1, "b", 3:5)), d = as.Date("2020-02-29") + 0:2, stringsAsFactors = TRUE)
#%%
data.frame(a_very_long_column_name_number_one = 1:2, a_very_long_column_name_number_two = 3:4, a_very_long_column_name_number_three = 5:6)
#%%
matrix(1:40, 2)
#%%
matrix(c("a", "bb", NA, "d"), 2, dimnames = list(c("r1", "r2"), c("c1", "c2")))
#%%
array(1:12, c(2, 3, 2))
#%%
list(1, "two", c(3, 3), list(four = 4, five = list(5)))
#%%
list(a = 1, b = function(x) x, c = quote(x + y), d = y ~ x, e = NULL)
#%%
factor(c("lo", "hi", "lo"), levels = c("lo", "hi")); ordered(c("s", "m"), levels = c("s", "m", "l")); cut(1:5, 2)
#%%
table(mtcars$cyl, mtcars$gear); prop.table(table(c("a", "b", "a"))); xtabs(~ cyl + am, mtcars); ftable(Titanic, row.vars = 1:2)
#%%
as.POSIXct("2020-01-02 03:04:05", tz = "UTC"); as.Date("2024-02-29"); difftime(as.Date("2020-03-01"), as.Date("2020-02-01")); ISOdate(2020, 1, 1)
#%%
f <- function(x, ...) { # a comment that stays
  if (x > 1) "more" else   "less"
}
f
f(2)
#%%
compose <- function(f, g) function(x) g(f(x))
(compose(sqrt, abs))(16); sum; `+`; `if`
#%%
(\(x) x^2)(3); sapply(1:3, \(i) i * 2); Map(function(a, b) a + b, 1:2, 3:4)
#%%
c(1, 4, 9) |> sqrt() |> sum()
#%%
quote(if (a > 1) b else c); expression(x + 1, y); bquote(a + .(1 + 2)); as.name("x y"); substitute(a + b, list(a = 1))
#%%
y ~ x + log(z) | w; ~ a
#%%
invisible(5); (invisible(5)); v <- 3; (v <- 4); v
#%%
if (FALSE) 1
for (i in 1:3) i
while (FALSE) 1
repeat break
{ 1; 2 }
NULL
#%%
switch("b", a = "A", b = "B", "other"); switch("z", a = 1); switch(2, "x", "y")
#%%
for (i in 1:3) { cat("row", i, "\n"); print(i) }
#%%
cat("no newline at the end")
#%%
cat(1:10, sep = ", "); cat("\n"); cat("a", "b", sep = ""); cat("\n"); cat(TRUE, NA, NULL, 3.14159265358979, 1e-10, "\n")
#%%
message("to the error output"); cat("to the output\n"); message("a", 1, TRUE)
#%%
print("x"); message("between"); print("y"); write("written", stderr()); write(1:10, stdout(), ncolumns = 5)
#%%
warning("just a warning")
#%%
g <- function(x) { warning("careful with ", x); x }; g(3)
#%%
{ warning("one"); warning("two"); cat("the text comes first\n") }
#%%
h <- function() { warning("in h"); message("a message"); cat("text\n"); invisible() }
h()
"the next statement"
#%%
for (i in 1:11) warning("number ", i)
#%%
for (i in 1:51) warning("number ", i)
#%%
warnings()
#%%
options(warn = 1); g(4); for (i in 1:2) { warning("at once ", i); cat("after", i, "\n") }; options(warn = 0)
#%%
options(warn = 2); g(5)
options(warn = 0)
#%%
options(warn = -1); g(6); options(warn = 0)
#%%
suppressWarnings(g(7)); suppressMessages({ message("unseen"); 8 })
#%%
long <- function(argument_number_one, argument_number_two) warning("a warning whose text is so long that it does not fit beside the call")
long(argument_number_one = "something long", argument_number_two = "something else")
#%%
warning("a first line\nand a second one"); g("x\ny")
#%%
as.integer(c("1", "b", "c")); sqrt(-1); 1:3 + 1:2; matrix(1:5, 2); mean("a"); log(-1:1)
#%%
stop("no call here")
#%%
f <- function(x) stop("bad input: ", x); f(1)
#%%
f <- function(x) g1(x); g1 <- function(y) h1(y); h1 <- function(z) stop("deep down"); f(1)
#%%
f <- function(x) stop("without its call", call. = FALSE); f(1)
#%%
f <- function(n) { warning("before"); stop("the error") }; f(1)
#%%
f <- function(n) { for (i in 1:n) warning("warning ", i); stop("the error") }; f(3)
#%%
f <- function(argument) stop("a message that is so long that it has to go on a line of its own, whatever the call"); f(argument = "a long argument of the call")
#%%
stop("first line\nsecond line")
#%%
f <- function() stop("first line\nsecond line"); f()
#%%
nosuchobject; "not reached in this line"
"but in the next"
#%%
nosuchfunction(1)
#%%
mean(); mean(1, 2, 3); f <- function(a) a; f(); f(1, 2); f(b = 1)
#%%
"a" + 1
#%%
-"a"
#%%
list(1, 2) + 1
#%%
c(1, 2)[[3]]; list(a = 1)[["b"]]; list(a = 1)$b
#%%
list(a = 1)[["b"]][["c"]]
#%%
(1:3)[[5]]
#%%
mean$x
#%%
matrix(1:4, 2)[3, 1]
#%%
data.frame(a = 1)$b; data.frame(a = 1)[, "b"]
#%%
data.frame(a = 1:2, b = 1:3)
#%%
if (NA) 1
#%%
if (c(TRUE, FALSE)) 1
#%%
if (NULL) 1
#%%
stopifnot("x must be positive" = -1 > 0)
#%%
stopifnot(all.equal(1, 1.1))
#%%
match.arg("x", c("a", "b")); match.fun("nosuch")
#%%
do.call("stop", list("called by do.call")); do.call(f, list(1))
#%%
lapply(1:3, function(i) if (i == 2) stop("in lapply ", i) else i)
#%%
sapply(c(a = 1, b = 4), sqrt); vapply(1:3, function(i) i^2, 0); mapply(rep, 1:3, 3:1); outer(1:3, 1:3); apply(matrix(1:4, 2), 1, sum)
#%%
vapply(1:2, function(i) "a", 0)
#%%
tryCatch(stop("caught"), error = function(e) e); tryCatch(warning("w"), warning = function(w) w); simpleCondition("c")
#%%
tryCatch(f(), error = function(e) cat("message:", conditionMessage(e), "\n"), finally = cat("finally\n"))
#%%
try(stop("tried")); cat("goes on\n"); r <- try(log("a"), silent = TRUE); class(r); cat(r)
#%%
withCallingHandlers(
  { warning("handled"); "value" },
  warning = function(w) { cat("got:", conditionMessage(w), "\n"); invokeRestart("muffleWarning") })
#%%
f <- function() { on.exit(cat("cleaning up\n")); stop("failing") }; f()
#%%
f <- function() { on.exit(print("done")); invisible(7) }; f(); (f())
#%%
e <- structure(class = c("myError", "error", "condition"), list(message = "of my own class", call = quote(some(call)))); stop(e)
#%%
warning(structure(class = c("myWarning", "warning", "condition"), list(message = "mine", call = NULL)))
#%%
signalCondition("nobody listens"); rlang <- 1; rm(rlang); rm(nosuchthing)
#%%
f <- function(x) UseMethod("f"); f(1); f("a")
#%%
print.money <- function(x, ...) cat("EUR", format(unclass(x), nsmall = 2), "\n"); structure(5, class = "money"); list(a = structure(5, class = "money"))
#%%
format.temp <- function(x, ...) paste0(unclass(x), "°C"); print.temp <- function(x, ...) print(format(x), quote = FALSE); structure(c(20, 21.5), class = "temp")
#%%
toString.money <- function(x, ...) "money"; toString(structure(1, class = "money")); summary.money <- function(object, ...) structure(list(v = 1), class = "summary.money"); summary(structure(1, class = "money"))
#%%
structure(1:3, note = "an attribute"); structure(list(a = 1), class = "record"); structure(1:4, dim = c(2, 2), class = "odd")
#%%
setClass("Point", representation(x = "numeric", y = "numeric")); p <- new("Point", x = 1, y = 2); p; isVirtualClass("Point")
#%%
setMethod("show", "Point", function(object) cat("<Point ", object@x, ", ", object@y, ">\n", sep = "")); p; list(p); print(p)
#%%
setGeneric("area", function(shape) standardGeneric("area")); setMethod("area", "Point", function(shape) 0); area(p); area(1)
#%%
setValidity("Point", function(object) if (length(object@x) != 1) "x must be one number" else TRUE); new("Point", x = 1:2 + 0, y = 1)
#%%
new("Point", z = 1); p@z; new("NoSuchClass")
#%%
Account <- setRefClass("Account", fields = list(total = "numeric"), methods = list(deposit = function(x) { total <<- total + x; invisible(.self) }))
a <- Account$new(total = 10); a$deposit(5); a; a$total
#%%
getClass("Point"); existsMethod("area", "Point"); is(p); slotNames("Point")
#%%
fit <- lm(mpg ~ wt + hp, mtcars); fit; summary(fit); anova(fit)
#%%
glm(am ~ wt, binomial, mtcars); t.test(extra ~ group, sleep); chisq.test(table(mtcars$cyl, mtcars$am))
#%%
coef(nls(mpg ~ a + b * wt, mtcars, start = list(a = 30, b = -3))); quantile(mtcars$mpg); aggregate(mpg ~ cyl, mtcars, mean); by(mtcars$mpg, mtcars$cyl, mean)
#%%
set.seed(42); rnorm(5); sample(10); runif(2); set.seed(1, kind = "Mersenne-Twister"); rexp(1)
#%%
ts(1:24, start = c(2020, 1), frequency = 12); window(ts(1:8, start = c(2020, 2), frequency = 4), c(2021, 1))
#%%
system("echo from the shell"); system("echo to stderr >&2"); x <- system("echo kept", intern = TRUE); x; system("exit 3")
#%%
system2("printf", c("'%s\\n'", "one", "two")); invisible(system("printf 'a\\nb\\n'; printf 'no newline'")); cat("\n")
#%%
system("nosuchcommand-at-all"); shQuote("it's")
#%%
cat("before\n"); system("echo in the middle"); cat("after\n"); message("and a message"); system("echo last")
#%%
strsplit("a,b;c", "[,;]"); regmatches("x1y22", gregexpr("[0-9]+", "x1y22")); gsub("(a)(b)", "\\2\\1", "abab"); sprintf("%s has %d", c("a", "b"), 1:2)
#%%
capture.output(print(1:3), cat("x\n")); textConnection("a")[0]; nchar(c("apple", "é")); rev(utf8ToInt("aé"))
#%%
con <- textConnection("line one\nline two"); readLines(con); close(con); scan(text = "1 2 3"); read.csv(text = "a,b\n1,x\n2,y")
#%%
sink(tempfile()); print("into the file"); sink(); print("here again")
#%%
print(1:3); print(c(a = 1), quote = FALSE); print(list(1, "a"), quote = FALSE); print(letters, width = 30); print(1e-300); format(1e10, big.mark = ",")
#%%
options(digits = 3); pi; 22/7 * 1000; options(digits = 7); options(width = 40); 1:20; options(width = 80); options(scipen = 10); 1e10; options(scipen = 0)
#%%
5 * 5; .Last.value; 6 * 7; .Last.value; x <- 3; .Last.value
#%%
local({ a <- 2; a * 3 }); with(mtcars, tapply(mpg, cyl, mean)); within(data.frame(a = 1:2), b <- a * 2); Reduce(`+`, 1:4, accumulate = TRUE)
#%%
f <- function(n) if (n == 0) stop("at the bottom") else f(n - 1); f(5)
#%%
f <- function(x) { x; g2(x) }; g2 <- function(...) h2(...); h2 <- function(x) x + undefined_thing; f(1)
#%%
(function(x) x + y_missing)(1); eval(quote(stop("evaluated"))); eval(parse(text = "1 +")); parse(text = "a b")
#%%
library(nosuchpackage); "and on"
require(nosuchpackage)
#%%
loadNamespace("nosuchpackage"); nosuchpackage::f; stats::nosuch; base:::print.default(1)
#%%
file("/nosuch/dir/x", "r"); readLines("/nosuch/file"); read.csv("nosuch.csv"); source("nosuch.R"); load("nosuch.RData")
#%%
x <- 1:3; x[10] <- 5L; x; x[["a"]]; x$a; names(x) <- letters[1:10]; x; x["c"]
#%%
l <- list(a = 1); l$b$c <- 2; l; l[["a"]] <- NULL; l; modifyList(l, list(z = 9))
#%%
identical(c(a = 1), c(a = 1)); all.equal(1, 1 + 1e-10); all.equal(1, 2); isTRUE(all.equal("a", 1)); xor(TRUE, FALSE); any(NA, TRUE); all(NA, TRUE)
#%%
Sys.time() > as.POSIXct("2020-01-01"); nchar(Sys.getenv("HOME")) > 0; class(Sys.Date()); is.function(print); exists("nosuch"); interactive() %in% c(TRUE, FALSE)
#%%
strtoi("ff", 16L); strtoi("077", 8); rev(strsplit("abc", "")[[1]]); chartr("abc", "xyz", "aabbcc"); casefold("ABC", upper = FALSE); trimws("  x "); rawToChar(as.raw(c(72, 105)))
#%%
is.na(NA_character_); NA_integer_; NA > 1; NULL > 1; max(numeric(0)); min(c(NA, 1), na.rm = TRUE); sum(integer(0)); range(c(3, 1, 2))
#%%
month.abb[c(TRUE, FALSE)]; which(c(F, T, T)); which.max(c(1, 3, 2)); order(c(3, 1, 2)); rank(c(10, 20, 10)); rle(c(1, 1, 2)); diff(c(1, 4, 9)); cumsum(1:5)
#%%
a %in% b
"%+%" <- function(a, b) paste0(a, b); "x" %+% "y"; `my var` <- 5; `my var`
#%%
x = 5; x; 6 -> y; y; assign("z", 7); z; delayedAssign("lazy", {cat("evaluated!\n"); 42}); lazy; lazy
#%%
nchar(strrep("ab", 50)); strrep("wide ", 40); paste(rep("word", 30), collapse = " "); strtrim("日本語", 4); substr("héllo", 2, 3)
#%%
function(x) {
  x +
    1 # kept as typed
}
#%%
r"(raw \d "string")"; 'it\'s'; "it's"
#%%
1; 2; "three"; cat("four\n"); stop("five"); 6
7
#%%
mean
#%%
new.env()
#%%
UseMethod("x")
#%%
a b
#%%
'it''s'
#%%
x <- c(1, 2))
#%%
sys.call(); sys.function; parent.frame(); environment()
#%%
return(5)
#%%
f <- function(x) stop(strrep("m", x)); f(56)
f(57)
g <- function(x) warning(strrep("é", x)); g(64)
g(65)
#%%
x <- 10; x <<- 11; get("x"); mget(c("x")); exists("x", inherits = FALSE); rm(x); exists("x", mode = "numeric")
#%%
suppressWarnings({ warning("a"); as.integer("b") }); tryCatch(as.integer("b"), warning = function(w) conditionMessage(w)); tryCatch(message("m"), message = function(m) cat("got", conditionMessage(m)))
#%%
f <- function() { warning("first"); g() }; g <- function() { message("then a message"); warning("second"); "value" }; f()
#%%
print(structure(list(), class = "empty")); structure(function(x) x, class = "fn"); structure(quote(a), class = "q")
#%%
print(data.frame(x = c(0.00001, 123456789), y = c(NA, "text"), z = c(TRUE, NA)), digits = 3, row.names = FALSE); print(head(letters), quote = FALSE, max = 3)
#%%
options(max.print = 5); 1:10; data.frame(a = 1:10, b = 1:10); options(max.print = 99999)
#%%
as.list(1:2); unlist(list(a = 1, b = list(c = 2, d = "x"))); rapply(list(1, "a"), toupper, classes = "character", how = "replace"); stack(list(a = 1:2, b = 3))
#%%
zz <- function() { cat("partial"); stop("in the middle of a line") }; zz()
#%%
cat("carriage\rreturn\n"); cat("bell\a\n"); cat("\u001b[31mred\u001b[0m\n"); cat("tab\tstop\n"); cat("back\bspace\n")
#%%
cat("\xff\xfe", "\n"); x <- "caf\xe9"; Encoding(x) <- "latin1"; x; cat(x, "\n")

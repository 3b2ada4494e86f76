package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

func validVersion(v string) error {
	if !versionForm.MatchString(v) {
		return fmt.Errorf("%q is not a server version: three numbers, for instance 9.1.0", v)
	}
	return nil
}

// compareVersions orders "9.2.1" after "9.2.0". Both must be valid.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// publishedName is the file name on the site: the product was renamed with 9.2.1.
func publishedName(version string) string {
	if compareVersions(version, "9.2.1") < 0 {
		return "rserver-swagger-" + version + ".json"
	}
	return "mlserver-swagger-" + version + ".json"
}

// genName is the Go package of a version below gen/: v930 for 9.3.0.
func genName(version string) string { return "v" + strings.ReplaceAll(version, ".", "") }

// committed lists the versions that have a document in swagger/, oldest first.
func (p project) committed() ([]string, error) {
	names, err := filepath.Glob(p.swagger("*.json"))
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, n := range names {
		v := strings.TrimSuffix(filepath.Base(n), ".json")
		if err := validVersion(v); err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		versions = append(versions, v)
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("no document in %s: make fetch VERSION=9.3.0 first", p.swagger(""))
	}
	slices.SortFunc(versions, compareVersions)
	return versions, nil
}

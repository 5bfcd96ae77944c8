// The oracle: what Prometheus 3 itself says. It reads requests as lines of JSON
// and answers each with a line, so that one process serves a whole test.
//
//	oracle relabel     what becomes of targets        (relabel.go)
//	oracle config      what a configuration means     (config.go, effective.go)
//	oracle yaml        what a YAML document holds     (yaml.go)
//	oracle regex       what a regular expression does (regex.go)
//	oracle casemap     Go's case mapping, once        (regex.go)
//	oracle kubernetes  what a role finds in a cluster (kubernetes.go)
//	oracle http        what an HTTP server discovers  (http.go)
//	oracle dns         what a name server discovers   (dns.go)
//	oracle replay      what collectors are answered   (replay.go)
//
//	oracle follow FILE   what kubernetes_sd_configs find in a real cluster, as it
//	                     changes (kubernetes_live.go)
//	oracle record DIR    writes the expected outputs of all cases (record.go),
//	                     and the fields of the configuration (fields.go)
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// answer turns requests of one type into answers until the input ends. A request
// that is no JSON ends it with an error: only a test can have made it.
func answer[Request, Answer any](in io.Reader, out io.Writer, do func(Request) Answer) error {
	decoder := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for {
		var request Request
		if err := decoder.Decode(&request); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(do(request)); err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "record" {
		return record(args[1])
	}
	if len(args) == 2 && args[0] == "follow" {
		return doFollow(args[1])
	}
	if len(args) != 1 {
		return fmt.Errorf("usage: oracle relabel|config|yaml|regex|casemap|kubernetes|http|dns|replay|follow FILE|record DIR")
	}
	switch args[0] {
	case "relabel":
		return answer(os.Stdin, os.Stdout, doRelabel)
	case "config":
		return inOwnFolder(func() error { return answer(os.Stdin, os.Stdout, doConfig) })
	case "yaml":
		return answer(os.Stdin, os.Stdout, doYAML)
	case "regex":
		return answer(os.Stdin, os.Stdout, doRegex)
	case "replay":
		return inOwnFolder(func() error { return answer(os.Stdin, os.Stdout, doReplay) })
	case "kubernetes":
		return answer(os.Stdin, os.Stdout, doKubernetes)
	case "http":
		return answer(os.Stdin, os.Stdout, newHTTP())
	case "dns":
		return answer(os.Stdin, os.Stdout, doDNS)
	case "casemap":
		return json.NewEncoder(os.Stdout).Encode(doCaseMap())
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

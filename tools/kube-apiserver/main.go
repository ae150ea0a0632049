// The Kubernetes API server, for tests. `go install k8s.io/kubernetes/cmd/kube-apiserver` can not build it: its module
// requires its own libraries at v0.0.0 and replaces them by folders of its repository. The go.mod beside this file
// replaces them by their releases.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}

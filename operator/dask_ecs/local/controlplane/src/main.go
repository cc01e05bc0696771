// Command controlplane is a whole Kubernetes control plane in one file: it is etcd, kube-apiserver or
// kube-controller-manager, whichever name it is called by. The three stay separate processes, with the flags that
// their own documentation lists, so that KUBEBUILDER_ASSETS can stand in for this program.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // as the two Kubernetes programs' own main files do
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "%s: call this program etcd, kube-apiserver or kube-controller-manager (a symbolic link does)\n", name)
		os.Exit(2)
	}
}

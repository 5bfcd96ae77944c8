// Stands in for the scheduler, the kubelets and the container runtime of the
// test control plane: makes nodes, binds pods to them, gives pods addresses,
// makes their containers run and be ready, and finishes deletions.
//
//	fake-kubelet -kubeconfig FILE [-nodes 3]
//
// Nodes are called node-0, node-1, ... and stay ready: no controller judges them
// here. A pod may say what becomes of it, by annotations that may change while
// it lives:
//
//	test/ready: "false"      its containers run and are not ready
//	test/phase: Pending      it is bound and never runs; or Failed, Succeeded
//	test/ip: 10.9.8.7        its address; one of 10.0.0.0/8 if not said
//	test/terminating: hold   its deletion is not finished
//
// On a node annotated test/lost: "true" nothing happens any more: its pods stay
// as they are, as when a machine loses its network.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func run() error {
	path := flag.String("kubeconfig", "", "how to reach the API server")
	nodes := flag.Int("nodes", 3, "how many nodes to make")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *path)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 2000, 4000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	kubelet := newKubelet(client)
	if err := kubelet.makeNodes(ctx, *nodes); err != nil {
		return err
	}
	return kubelet.run(ctx)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fake-kubelet:", err)
		os.Exit(1)
	}
}

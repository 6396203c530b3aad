package testenv

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	clusterNodes = 3
	clusterSlots = 16384 // Redis's own number
)

// RedisCluster is three masters without replicas, which share all the slots.
type RedisCluster struct {
	Nodes []*Redis
}

// StartRedisCluster makes a new cluster and waits until each node finds it whole. That takes Redis about two
// seconds, in which a new master does not write.
func StartRedisCluster(ctx context.Context) (*RedisCluster, error) {
	c := &RedisCluster{}
	for range clusterNodes {
		r, err := StartRedis(ctx, RedisOptions{Conf: []string{"cluster-enabled yes", "cluster-node-timeout 5000"}})
		if err != nil {
			return nil, errors.Join(err, c.stop(context.WithoutCancel(ctx)))
		}
		c.Nodes = append(c.Nodes, r)
	}
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	if err := c.form(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("form a Redis cluster: %w", err), c.stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// form shares out the slots and introduces the nodes to one another.
func (c *RedisCluster) form(ctx context.Context) error {
	for i, node := range c.Nodes {
		first, last := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes-1
		_, err := node.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
		if err != nil {
			return err
		}
		// Masters whose epochs differ need not settle which of them is newer.
		if _, err := node.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return err
		}
		if i > 0 {
			if _, err := c.Nodes[0].Do(ctx, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(node.port)); err != nil {
				return err
			}
		}
	}
	for _, node := range c.Nodes {
		if err := waitWhole(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// waitWhole waits until the node knows all nodes and finds all slots served.
func waitWhole(ctx context.Context, node *Redis) error {
	for {
		info, err := node.Do(ctx, "CLUSTER", "INFO")
		if err != nil {
			return err
		}
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", clusterNodes)) {
			return nil
		}
		select {
		case <-time.After(10 * poll):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; it says:\n%s", node.Addr(), context.Cause(ctx), info)
		}
	}
}

// URLs are where to find the nodes.
func (c *RedisCluster) URLs() []string {
	urls := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		urls[i] = node.URL()
	}
	return urls
}

// Stop stops all nodes. Stopped again, it does nothing.
func (c *RedisCluster) Stop() error {
	return c.stop(context.Background()) //nolint:forbidigo // it is called when the test, and its context, has ended
}

func (c *RedisCluster) stop(ctx context.Context) error {
	var err error
	for _, node := range c.Nodes {
		err = errors.Join(err, node.stop(ctx))
	}
	return err
}

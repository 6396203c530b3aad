package httpapi

// admit is what a request passes before its handler: each check knows less than the next one costs. A
// refusal here has had no effect, and the body was not read.
func (x *exchange) admit() error {
	if err := x.checkCrowd(); err != nil {
		return err
	}
	if err := x.checkOrigin(); err != nil {
		return err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	return x.limitCaller()
}
